"""`tessera render`: one frame by RTL, model or reference."""

from __future__ import annotations

import math
from pathlib import Path

import click

from golden.errors import InputError
from golden.splat.scene_image import count_clipped
from hw.lod.config import CONFIGS as LOD_CONFIGS
from hw.splat.config import CONFIGS
from sim.chips.level import cut_scene, load_detailed
from sim.commands.options import OutputFile, RunOptions, run_options
from sim.commands.viewpoint import Viewpoint, camera_options
from sim.kernel.console import out, step, warn
from sim.kernel.files import to_bytes, write_array, write_png
from sim.kernel.run import Backend
from sim.splat.run import colors, overflow, run
from sim.splat.workload import NEAR, prepare


@click.command()
@click.argument("scene")
@camera_options
@click.option("--near", default=NEAR, show_default=True, help="Near plane, in scene units.")
@click.option("--tau", type=float, help="Draw the cut of a hierarchy (.hier, or built over SCENE) at so many pixels.")
@run_options(CONFIGS)
@click.option("--out", "picture", type=OutputFile(), required=True, help="PNG file.")
@click.option("--array", "array_file", type=OutputFile(), help="NumPy file, float32 [H, W, 3].")
def render(
    scene: str, viewpoint: Viewpoint, near: float, tau: float | None, options: RunOptions, picture: Path,
    array_file: Path | None,
) -> None:  # fmt: skip
    """Draw SCENE (.ply, .splat, .spz, the word `embedded`, or with --tau a .hier)."""
    if not 0 < near < math.inf:
        raise InputError(f"--near must be a positive number, it is {near:g}")
    with step("loading the scene"):
        loaded, tree = load_detailed(scene, tau)
        camera = viewpoint.camera(loaded)
    if loaded.dropped:
        out.print(f"{loaded.name}: {loaded.dropped} Gaussians are not finite or have no rotation and were left out")
    if tree is not None and tau is not None:
        with step("searching the hierarchy"):
            loaded = cut_scene(
                tree, camera, tau, LOD_CONFIGS[options.config_name](),
                backend=options.backend, check=options.check, memory=options.memory,
            )  # fmt: skip
        out.print(f"{len(loaded)} of {len(tree)} Gaussians are on the cut at {tau:g} px")
    with step("quantising and ordering the scene"):
        workload = prepare(loaded, camera, options.config, near=near, view=viewpoint.name)
    clipped = 0 if options.backend == Backend.REFERENCE else count_clipped(loaded, options.config.spec)
    if clipped:
        out.print(f"{loaded.name}: {clipped} Gaussians have colours beyond the formats and are drawn clipped")
    with step(f"drawing by {options.backend}"):
        drawn = run(workload, **options.keywords())
    values = colors(drawn)
    write_png(picture, to_bytes(values))
    if array_file:
        write_array(array_file, values)
    options.finish(drawn)
    if overflowed := overflow(drawn):
        warn(overflowed)
    out.print(f"{picture}: {camera.width}×{camera.height}")
