"""Every engine's memory port through AXI4 and back: the model's results, and nearly the bare port's cycles."""

from __future__ import annotations

import pytest

from sim.engines import ENGINES
from sim.kernel.axi_loop import on_axi
from sim.kernel.jobs import MemorySettings
from sim.kernel.run import run_operation

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]
MORE = 0.03  # of the bare port's cycles


@pytest.mark.parametrize("engine", ENGINES)
def test_results_and_cycles(engine: str) -> None:
    """With pauses and without."""
    entry = ENGINES[engine]
    sample = entry.sample().sample(entry.configs["tiny"]())
    operation, workload = sample.operation, sample.workload
    bare = run_operation(operation, workload, memory=MemorySettings(), check=True)
    bus = run_operation(on_axi(operation), workload, memory=MemorySettings(), check=True)
    assert bus.counters["cycles"] <= (1 + MORE) * bare.counters["cycles"]
    paused = MemorySettings(latency=20, stalls=96, seed=5)
    run_operation(on_axi(operation), workload, memory=paused, check=True)
