"""Every engine on every DRAM: its results never depend on the memory's time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from sim.kernel.dram import DRAMS
from sim.kernel.run import run_operation
from tests.sim.cases import Case, frame, reduction, retrieval, search, sequence

#: Parts that the engine's job below reads or writes.
MOVED = {
    "cluster": {"program", "messages"},
    "lod": {"job", "views", "nodes", "state", "cuts"},
    "kv": {"header", "token", "query", "log"},
    "radiance": {"job", "visits", "pixels", "caches"},
    "splat": {"header", "groups", "lists", "coarse", "records"},
}


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
    parts = counted["parts"]
    assert list(parts) == list(workload.memory.parts)
    for kind in ("bursts", "bytes", "row_hits", "row_misses", "row_conflicts", "activations"):
        assert sum(part[kind] for part in parts.values()) == counted[f"read_{kind}"] + counted[f"write_{kind}"]
    used = {name for name, part in parts.items() if part["bursts"]}
    assert used >= MOVED[operation.engine]
    # The one entry of a group table, two bursts, may find every queue empty.
    assert all(parts[name]["queued"] > 0 for name in used if parts[name]["bursts"] > 2)
    assert len(run.memory_parts()) == len(used)
    waiting = dram.queue * dram.channels * dram.burst_bytes  # writes that the end of the job left in queues
    assert counted["read_bytes"] + counted["write_bytes"] >= report["bytes"]["total"] - waiting
    assert name in str(run.memory_use())
