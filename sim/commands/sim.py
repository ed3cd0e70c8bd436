"""`tessera sim`: whole-workload co-simulations against the bit-true model."""

from __future__ import annotations

from pathlib import Path

import click

from sim.commands.options import config_option, out_dir_option, set_option
from sim.commands.scenes import known_scenes
from sim.console import show_table, step
from sim.engines import find_engine
from sim.files import write_json, write_png
from sim.runner import BUILD
from sim.settings import choose_config


@click.command()
@click.argument("engine")
@click.option("--scene", "scenes", multiple=True, help="Scene file; may be given several times. [default: all known]")
@click.option("--size", default=256, show_default=True, help="Pixels a side.")
@click.option("--stalls", "stall_list", multiple=True, type=int, help="Memory pauses in 256. [default: 0 and 64]")
@config_option
@set_option
@out_dir_option
def sim(
    engine: str, scenes: tuple[str, ...], size: int, stall_list: tuple[int, ...], config_name: str,
    changes: tuple[str, ...], folder: Path | None,
) -> None:  # fmt: skip
    """Run ENGINE's frames in RTL, with and without random memory pauses; every pixel must equal the model's."""
    entry = find_engine(engine)
    config = choose_config(entry.configs, config_name, changes)
    folder = folder or BUILD / "sim"

    from sim.suites.splat import run_scene

    rows = []
    for source in list(scenes) or known_scenes():
        for stalls in stall_list or (0, 64):
            with step(f"{Path(source).name}, pauses {stalls}/256"):
                frame = run_scene(source, config, size=size, stalls=stalls)
            write_json(folder / f"report-{frame.name}-{stalls}.json", frame.report)
            write_png(folder / f"{frame.name}.png", frame.pixels)
            report = frame.report
            rows.append(
                (
                    frame.name, stalls, report["cycles"], f"{report['bound']['cycles']:.0f}", report["bound"]["limit"],
                    f"{report['ratio']:.3f}", f"{frame.lanes_busy:.1%}", f"{report['bytes']['total'] / 1e6:.2f}",
                    f"{report['quality']['psnr_db']:.2f}",
                )
            )  # fmt: skip
    show_table(
        f"{engine}, {size}×{size}: RTL equals the model in every pixel",
        ("scene", "pauses", "cycles", "bound", "limit", "ratio", "lanes busy", "MB", "PSNR dB"),
        rows,
    )
