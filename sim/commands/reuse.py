"""`tessera reuse`: a sequence of frames through the radiance cache by RTL, model or reference."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from hw.radiance.config import CONFIGS
from sim.commands.options import OutputFile
from sim.commands.run_options import RunOptions, run_options
from sim.kernel.console import out, show_table, step
from sim.kernel.files import write_arrays
from sim.kernel.quality import shown
from sim.kernel.run import Run
from sim.radiance.run import false_hits, lookups_per_cycle, report, run
from sim.radiance.traces import load_trace
from sim.radiance.workload import prepare


@click.command()
@click.argument("trace")
@click.option("--frames", type=int, help="Use only this many frames, from the first. [default: all; made up: 4]")
@click.option("--size", default=256, show_default=True, help="Pixels a side of a made-up picture.")
@run_options(CONFIGS)
@click.option(
    "--result", "result_file", type=OutputFile(), help="Write colours and hits of every frame to FILE (NumPy .npz)."
)
def reuse(trace: str, frames: int | None, size: int, options: RunOptions, result_file: Path | None) -> None:
    """Look up the pixels of frames in the radiance cache.

    TRACE is a .npz file with the arrays ids [frames, height, width, k], the first significant Gaussians of every pixel,
    count [frames, height, width] of them, and colour [frames, height, width, channels] drawn to the end; or
    synthetic[:CELL[:MOTION]], made-up layers of Gaussians of CELL pixels that move by MOTION pixels a frame.
    """
    with step("loading the trace"):
        loaded = load_trace(trace, options.config.spec, size=size, frames=frames, seed=options.memory.seed)
        workload = prepare(loaded, options.config)
    with step(f"looking up by {options.backend}"):
        found = run(workload, **options.keywords())
    rates = found.quality["hit_rates"]
    wrong = [str(number) for number in false_hits(found)] if found.model is not None else [shown(None, "")] * len(rates)
    show_table(
        f"{loaded.name}: {loaded.frames} frames of {loaded.size}, {workload.regions} regions",
        ("frame", "pixels out of the cache", "false hits"),
        ((k, f"{rate:.1%}", wrong[k]) for k, rate in enumerate(rates)),
    )
    out.print(f"PSNR to the pixels drawn to the end: {found.quality['psnr_to_drawn_db']:.2f} dB")
    if found.job:
        out.print(f"{lookups_per_cycle(found.counters):.3f} look-ups a cycle while the cache was open")
    if result_file:
        write_arrays(result_file, _pictures(found))
        out.print(f"{result_file}: {loaded.frames} frames")
    options.finish(found, report(found))


def _pictures(found: Run) -> dict[str, np.ndarray]:
    """`colour` [frames, height, width, channels] and `hit` [frames, height, width]."""
    workload, results = found.workload, found.results
    return {
        name: np.stack([workload.picture(results[name], k) for k in range(workload.trace.frames)]).astype(np.uint8)
        for name in ("colour", "hit")
    }
