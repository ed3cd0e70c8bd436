"""Every engine on every DRAM: its results never depend on the memory's time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from sim.kernel.dram import DRAMS
from sim.kernel.run import run_operation
from tests.sim.cases import Case, frame, reduction, retrieval, search, sequence


@pytest.mark.parametrize("case", [reduction, search, retrieval, sequence, frame])
@pytest.mark.parametrize("name", ["lpddr4", *(pytest.param(n, marks=pytest.mark.slow) for n in ("lpddr3", "lpddr5"))])
@pytest.mark.parametrize("stalls", [0, pytest.param(64, marks=pytest.mark.slow)])
def test_rtl_equals_the_model_on_it(case: Callable[[], Case], name: str, stalls: int) -> None:
    """Word for word; the report has what the DRAM counted, and its bytes are those that moved."""
    operation, workload, memory = case()
    dram = DRAMS[name]
    run = run_operation(operation, workload, memory=replace(memory, latency=100, stalls=stalls, dram=dram), check=True)
    report = run.report()
    assert report["quality"]["rtl_equals_model"]
    assert report["memory"]["dram"] == dram.settings()
    counted = report["dram"]
    assert counted["read_row_hits"] > 0 < counted["read_activations"]
    assert counted["read_waits"] > 0
    waiting = dram.queue * dram.channels * dram.burst_bytes  # writes that the end of the job left in queues
    assert counted["read_bytes"] + counted["write_bytes"] >= report["bytes"]["total"] - waiting
    assert name in str(run.memory_use())
