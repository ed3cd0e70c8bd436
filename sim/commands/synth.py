"""`tessera synth`: every block of an engine on ECP5, out of context."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.progress import track

from golden.errors import InputError
from hw.bus.catalogue import catalogue as bus_catalogue
from hw.chips.decode.catalogue import catalogue as decode_catalogue
from hw.generate import config_hash
from hw.lib.block import Block
from hw.lib.catalogue import catalogue as lib_catalogue
from sim.commands.options import choice_argument, config_options, json_option, out_dir_option
from sim.engines import DESIGNS
from sim.kernel.console import err, out, show_json, show_table
from sim.kernel.files import write_json
from sim.kernel.runner import BUILD
from sim.kernel.settings import choose_config
from sim.kernel.synth import DEVICE, TARGET_MHZ, PlacedBlock, TargetMissedError, synthesise

tiny_option, set_option = config_options(default="tiny")
#: Catalogues of parts that know no engine, and of what compositions add to theirs; none has a config to choose.
PARTS = {"lib": lib_catalogue, "bus": bus_catalogue, "decode": decode_catalogue}


@click.command()
@choice_argument("engine", [*PARTS, *DESIGNS])
@tiny_option
@set_option
@click.option("--block", "blocks", multiple=True, help="Only this block; may be repeated.")
@click.option("--top", is_flag=True, help="Synthesise the whole engine as one block.")
@click.option("--seed", default=1, show_default=True, help="Seed of the placer.")
@out_dir_option
@json_option
def synth(
    engine: str, config_name: str, changes: tuple[str, ...], blocks: tuple[str, ...], top: bool, seed: int,
    folder: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Synthesise, place and route blocks of an engine.

    `lib` and `bus` know no engine; `decode` are the blocks that join the engines of a decode step with retrieval. The
    table has size, speed and worst path on ECP5, out of context; each unique block counts once.
    """
    config = None
    stages: dict[str, Block]
    if engine in PARTS:
        if top:
            raise InputError(f"--top needs an engine, {engine} has no whole")
        if changes:
            raise InputError(f"--set needs an engine, {engine} has no config")
        stages = {name: Block(make) for name, make in PARTS[engine]().items()}
    else:
        entry = DESIGNS[engine]
        config = choose_config(entry.configs, config_name, changes)
        stages = {engine: Block(lambda: entry.top(config))} if top else dict(entry.catalogue(config))
    unknown = [name for name in blocks if name not in stages]
    if unknown:
        raise InputError(f"--block must be one of {', '.join(stages)}, it is '{unknown[0]}'")
    chosen = {name: block for name, block in stages.items() if not blocks or name in blocks}
    label = ", ".join((config_name, *changes)) if config else "-"
    folder = folder or BUILD / "synth" / "-".join(_names(engine, config_name, config, changes))
    results: list[PlacedBlock] = []
    for name, block in track(
        chosen.items(), description=f"synthesising {engine}", console=err, disable=out.quiet or not err.is_terminal
    ):
        results.append(synthesise(name, block.make, config, folder, seed=seed))
    show_table(
        f"{engine}, config {label}: ECP5 {' '.join(DEVICE)}, out of context",
        (
            "block", "in the top", "LUT", "FF", "BRAM", "DSP", "LUTRAM", "Fmax MHz", "levels", "logic ns", "route ns",
            "worst path",
        ),
        (
            (b.name, chosen[b.name].count, b.lut, b.ff, b.bram, b.dsp, b.lutram, b.fmax_mhz, b.logic_levels,
             b.logic_ns, b.routing_ns, " → ".join(b.worst_path))
            for b in results
        ),
    )  # fmt: skip
    report = {
        "schema": 1,
        "engine": engine,
        "device": " ".join(DEVICE),
        "config_hash": config_hash(config) if config else None,
        "seed": seed,
        "target_mhz": TARGET_MHZ,
        "blocks": [{**b.as_dict(), "count": chosen[b.name].count} for b in results],
    }
    write_json(folder / "synth.json", report)
    if as_json:
        show_json(report)
    slow = [b for b in results if not b.fmax_mhz >= TARGET_MHZ]
    out.print(f"{folder / 'synth.json'}: slowest {min(results, key=lambda b: b.fmax_mhz).fmax_mhz} MHz")
    if slow:
        raise TargetMissedError(
            f"every block must close at {TARGET_MHZ:g} MHz, {slow[0].name} reaches {slow[0].fmax_mhz}"
        )


def _names(engine: str, config_name: str, config: Any, changes: Sequence[str]) -> list[str]:
    """Of the folder: a changed config has its hash, so that its figures do not replace those of the named one."""
    return [engine, *([config_name] if config else []), *([config_hash(config)] if changes else [])]
