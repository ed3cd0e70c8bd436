"""`tessera demo`: one frame by generated RTL, checked, measured and pictured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click
import numpy as np

from golden.scenes.embedded import EMBEDDED_NAME
from hw.splat.config import CONFIGS
from sim.commands.background import background_option
from sim.commands.options import config_option, json_option, set_option
from sim.compare.costs import cost_of
from sim.compare.value import Value
from sim.kernel.comparison import HEAD, baseline_figures, rtl_figures
from sim.kernel.console import out, show_json, show_table, step, warn
from sim.kernel.dram import DRAMS
from sim.kernel.files import require_writable, to_bytes, write_json, write_png
from sim.kernel.pictures import side_by_side
from sim.kernel.runner import BUILD
from sim.kernel.settings import choose_config
from sim.splat.picture import Color

AMPLIFY = 16  # of the difference picture


@click.command()
@click.argument("scene", default=EMBEDDED_NAME)
@click.option("--size", default=256, show_default=True, help="Pixels per side.")
@background_option
@config_option
@set_option
@json_option
def demo(scene: str, size: int, background: Color, config_name: str, changes: tuple[str, ...], as_json: bool) -> None:
    """Draw a frame of SCENE in RTL, check it, and picture it.

    Every pixel must equal the model's. Pictures and a report go to build/demo/.
    """
    config = choose_config(CONFIGS, config_name, changes)
    folder = BUILD / "demo"
    require_writable(folder / "report.json")
    from sim.splat.run import lanes_busy, overflow
    from sim.splat.suite import run_scene

    with step("building the RTL and drawing the frame (a minute the first time)"):
        frame = run_scene(scene, config, size=size, background=background)
    reference = to_bytes(frame.reference)
    difference = to_bytes(AMPLIFY * np.abs(np.clip(frame.values, 0, 1) - np.clip(frame.reference, 0, 1)))
    write_png(folder / "frame.png", frame.pixels)
    write_png(folder / "reference.png", reference)
    write_png(folder / "difference.png", difference)
    titles = ("RTL", "float reference", f"difference × {AMPLIFY}")
    side_by_side(folder / "demo.png", dict(zip(titles, (frame.pixels, reference, difference), strict=True)))
    report = frame.report()
    clock = cost_of(report["engine"], report["config_hash"]).clock
    baselines = baseline_figures(report, clock.number) if clock.number else []
    report["baselines"] = [asdict(figure) for figure in baselines]
    write_json(folder / "report.json", report)
    if as_json:
        show_json(report)
    _show(report, lanes_busy(frame.run), frame.run.workload.config.lane_groups, clock)
    if overflowed := overflow(frame.run):
        warn(overflowed)
    if clock.number:
        own = rtl_figures(report, clock.number, f"{clock.kind}: {clock.note}")
        show_table("time of this frame", HEAD, (figure.row() for figure in (*own, *baselines)), left=("kind",))
    out.print(f"every pixel equals the bit-true model; {frame.run.took}\n{_shown(folder / 'demo.png')} and report.json")


def _shown(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _show(report: dict, lanes_busy: float, lane_groups: int, clock: Value) -> None:
    counters, cycles = report["counters"], report["cycles"]
    waits = {
        "voxel order": (None, None),
        "coarse filter": ("coarse_wait", "coarse_stall"),
        "fine filter": ("fine_wait", "fine_stall"),
        "depth sort": (None, "sort_stall"),
        "rasteriser": ("lanes_starved", "lanes_blocked"),
        "memory": (None, "write_stall"),
    }
    rows = []
    for stage, need in report["bound"]["stages"].items():
        starved, held = waits[stage]
        units = lane_groups if stage == "rasteriser" else 1  # whose waits are summed
        rows.append(
            (
                stage, f"{need:.0f}", f"{need / cycles:.1%}",
                f"{counters[starved] / units:.0f}" if starved else "-",
                f"{counters[held] / units:.0f}" if held else "-",
            )
        )  # fmt: skip
    show_table(
        f"{report['workload']['scene']}, {report['workload']['size']}, config {report['config_hash']}: {cycles} cycles",
        ("stage", "cycles needed", "of the frame", "waited for input", "held up"),
        rows,
    )
    traffic = report["bytes"]
    show_table(
        "frame",
        ("figure", "value"),
        (
            ("cycles (measured in simulation)", cycles),
            (f"lower bound (modelled from counters; {report['bound']['limit']})", f"{report['bound']['cycles']:.0f}"),
            ("ratio", f"{report['ratio']:.3f}"),
            ("lanes drawing", f"{lanes_busy:.1%}"),
            ("lane results that change a pixel", f"{report['useful_share']:.1%}"),
            *_pace(report, clock),
            ("DRAM bytes", f"{traffic['total']:,}"),
            *((f"  {kind}", f"{count:,}") for kind, count in traffic.items() if kind != "total"),
            ("PSNR against the float reference", f"{report['quality']['psnr_db']:.2f} dB"),
        ),
    )


def _pace(report: dict, clock: Value) -> Iterator[tuple[str, str]]:
    """Frames a second at the clock that closes, and the memory that takes, beside what a phone's gives."""
    if not clock.number:
        yield "frames a second", f"unknown: {clock.note}"
        return
    seconds = report["cycles"] / clock.number / 1e6
    gives = ", ".join(f"{name} {dram.peak * dram.engine_megahertz / 1000:g}" for name, dram in DRAMS.items())
    yield f"frames a second at {clock.number:g} MHz ({clock.kind})", f"{1 / seconds:.0f}"
    yield "memory it needs then, GB/s", f"{report['bytes']['total'] / seconds / 1e9:.2f} (at most: {gives})"
