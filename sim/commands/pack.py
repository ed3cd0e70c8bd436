"""`tessera pack`: a scene with codebooks, as a file."""

from __future__ import annotations

import time
from pathlib import Path

import click

from golden.errors import InputError
from golden.scenes import load_scene
from golden.scenes.tsr import pack_tsr
from hw.generate import config_hash
from hw.splat.config import CONFIGS
from sim.commands.options import OutputFile, config_options
from sim.kernel.console import bar, out, step
from sim.kernel.files import write_bytes
from sim.kernel.settings import choose_config

FLOATS = 14  # of a Gaussian of degree 0: position, scale, rotation, opacity, colour
_config_option, _set_option = config_options(CONFIGS)


@click.command()
@click.argument("scene")
@click.option("-o", "--out", "target", type=OutputFile(), required=True, help="Write the scene to FILE (.tsr).")
@click.option("--iterations", default=16, show_default=True, help="How often the codebooks are refined.")
@click.option("--seed", default=1, show_default=True, help="Seed of the vectors that the codebooks begin with.")
@_config_option
@_set_option
def pack(
    scene: str, target: Path, iterations: int, seed: int, config_name: str, changes: tuple[str, ...]
) -> None:  # fmt: skip
    """Write SCENE with codebooks, at 24 bytes a Gaussian.

    The config's scale_entries, rotation_entries, dc_entries and sh_entries are the books' sizes. Every command that
    reads scenes reads the file; with `--set codebooks=1` the engine draws by its books.
    """
    if target.suffix != ".tsr":
        raise InputError(f"--out must end in .tsr, it is {target.name}")
    if not 0 <= iterations <= 1000:
        raise InputError(f"--iterations must lie in 0..1000, it is {iterations}")
    if seed < 0:
        raise InputError(f"--seed must be at least 0, it is {seed}")
    spec = choose_config(CONFIGS, config_name, changes).spec
    with step("loading the scene"):
        loaded = load_scene(scene)
    from golden.splat.codebooks import passes, with_books  # torch is slow to import

    begin = time.perf_counter()
    with bar("making codebooks", passes(iterations)) as report:
        packed = with_books(loaded, spec, iterations=iterations, seed=seed, report=report)
    raw = pack_tsr(packed, config_hash(spec))
    write_bytes(target, raw)
    assert packed.books
    plain = 4 * len(loaded) * (FLOATS + 3 * (loaded.sh.shape[1] - 1))
    sizes = " + ".join(map(str, packed.books.sizes))
    left = f", {len(loaded) - len(packed)} that colour nothing left out" if len(loaded) > len(packed) else ""
    out.print(f"{target}: {len(packed)} Gaussians{left}, {sizes} entries of scale, rotation, colour and harmonics")
    out.print(
        f"{target}: {len(raw) / 1e6:.2f} MB of {plain / 1e6:.2f} MB as floats, in {time.perf_counter() - begin:.1f} s"
    )
