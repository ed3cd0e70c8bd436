"""The trace that the page of comparisons shows."""

from __future__ import annotations

import numpy as np

from hw.radiance.config import default
from sim.kernel.suite import Case, Compared
from sim.radiance.run import report, run
from sim.radiance.traces import load_trace
from sim.radiance.workload import prepare

#: What engine and baselines compute with; both look up the same keys and give the same bytes.
PRECISION = "the same integers on both sides"
TRACE, SIZE = "synthetic:8", 128

#: What `tessera baseline` measures where nothing is named: the same workloads.
MEASURED = {"inputs": (TRACE,), "size": SIZE}


def _trace() -> Compared:
    config = default()
    workload = prepare(load_trace(TRACE, config.spec, size=SIZE), config)
    found = run(workload, check=True)
    last = workload.trace.frames - 1
    drawn = workload.trace.colour[last].astype(np.uint8)
    cached = workload.picture(found.results["colour"], last).astype(np.uint8)
    return Compared(report=report(found), pictures={"out of the cache": cached, "drawn to the end": drawn})


def cases() -> list[Case]:
    """Four frames of a made-up trace."""
    return [Case(name=f"{TRACE.replace(':', '-')}-{SIZE}", run=_trace)]
