"""Traces through RTL and model, and their reports."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hw.radiance.config import Config
from sim.kernel.console import step
from sim.kernel.dram import Dram
from sim.kernel.files import write_json
from sim.kernel.jobs import MemorySettings
from sim.kernel.run import Backend
from sim.kernel.suite import SuiteTable
from sim.radiance.run import false_hits, lookups_per_cycle, report, run
from sim.radiance.traces import known_traces, load_trace
from sim.radiance.workload import prepare


def run_suite(
    config: Config, folder: Path, *, inputs: Sequence[str] = (), size: int = 256, stalls: Sequence[int] = (0, 64),
    dram: Dram | None = None,
) -> SuiteTable:  # fmt: skip
    """Runs every trace with every rate of memory pauses; writes a report for each to `folder`. `size`: pixels a side.

    Beside the RTL's hits stand those of the publication's order, in which a pixel sees what the one before has filled.
    """
    rows: list[tuple[object, ...]] = []
    for source in inputs or known_traces():
        trace = load_trace(source, config.spec, size=size)
        workload = prepare(trace, config)
        published = run(workload, backend=Backend.REFERENCE).quality
        for rate in stalls:
            with step(f"{trace.name}, {trace.size}, {trace.frames} frames, pauses {rate}/256"):
                found = run(workload, memory=MemorySettings(stalls=rate, dram=dram), check=True)
            slug = trace.name.replace(":", "-")
            write_json(folder / f"report-radiance-{slug}-{trace.size}-{rate}.json", report(found))
            assert found.roofline is not None
            c, q = found.counters, found.quality
            rows.append(
                (
                    trace.name, trace.size, trace.frames, rate, c["cycles"], f"{found.roofline.bound:.0f}",
                    f"{found.roofline.ratio:.3f}", f"{lookups_per_cycle(c):.3f}", f"{c['merged'] / c['pixels']:.1%}",
                    f"{q['hit_rates'][-1]:.1%}", f"{published['hit_rates'][-1]:.1%}",
                    f"{np.mean(false_hits(found)):.1f}", f"{q['psnr_to_drawn_db']:.1f}",
                )
            )  # fmt: skip
    return SuiteTable(
        title="radiance: RTL equals the model in every colour, every hit and every saved set",
        head=(
            "trace", "size", "frames", "pauses", "cycles", "bound", "ratio", "look-ups/cycle", "merged",
            "hits, last frame", "published order", "false hits a frame", "PSNR to drawn",
        ),
        rows=rows,
    )  # fmt: skip
