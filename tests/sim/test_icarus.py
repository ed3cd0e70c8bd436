"""Engines read as SystemVerilog by a second simulator: the same memory, the same counters, the same cycles."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from sim.kernel.dram import DRAMS
from sim.kernel.jobs import Bytes, Job, MemorySettings, run_job
from tests.sim.cases import Case, frame, reduction, retrieval, search, sequence
from tests.sim.icarus import simulate_in_icarus

pytestmark = pytest.mark.skipif(
    shutil.which("iverilog") is None, reason="the program 'iverilog' is not installed (Debian package iverilog)"
)


@dataclass(frozen=True)
class Whole:
    """A job whose image holds its result's place too, as zeros: what is never written is the same everywhere."""

    data: Bytes
    header_address: int
    result_address: int
    result_bytes: int


def whole(job: Job) -> Whole:
    rest = job.result_address + job.result_bytes - len(job.data)
    data = np.concatenate([job.data, np.zeros(rest, np.uint8)])
    return Whole(data, job.header_address, job.result_address, job.result_bytes)


def on_dram() -> Case:
    operation, workload, memory = retrieval()
    return operation, workload, MemorySettings(stalls=memory.stalls, dram=DRAMS["lpddr4"])


@pytest.mark.parametrize("case", [reduction, search, retrieval, sequence, frame, on_dram])
def test_two_simulators_agree(case: Callable[[], Case], tmp_path: Path) -> None:
    """Every byte of the result's region, every counter (cycles are among them), and the words that memory served."""
    operation, workload, memory = case()
    image = whole(workload.memory)
    got = simulate_in_icarus(operation, workload, image, memory, tmp_path)
    expected = run_job(
        lambda: operation.top(workload), operation.engine, workload.config, image, operation.counters,
        memory=memory, sources=operation.sources,
    )  # fmt: skip
    assert got.counters == expected.counters
    assert got.counters["cycles"] > 100
    assert (got.bytes_read, got.bytes_written) == (expected.bytes_read, expected.bytes_written)
    assert got.data.any()
    assert np.array_equal(got.data, expected.data)
