"""Engines read as SystemVerilog by a second simulator: the same memory, the same counters, the same cycles."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from golden.cluster.spec import ElementType, Op
from hw.cluster import config as cluster
from hw.kv import config as kv
from hw.lod import config as lod
from hw.radiance import config as radiance
from sim.cluster.player import LinkedMemory
from sim.cluster.run import COLLECTIVE
from sim.cluster.workload import prepare, random_messages
from sim.kernel.jobs import Bytes, Job, MemorySettings, run_job
from sim.kernel.run import Operation
from sim.kv.run import RETRIEVE
from sim.kv.workload import prepare_retrieve, retrieve_options
from sim.lod.run import SEARCH
from sim.lod.workload import prepare as lod_workload
from sim.radiance.run import LOOK_UP
from sim.radiance.traces import load_trace
from sim.radiance.workload import prepare as radiance_workload
from sim.splat.run import DRAW
from tests.golden.lod.trees import cameras, small_image
from tests.sim.icarus import simulate_in_icarus
from tests.sim.kv.streams import clustered_stream
from tests.sim.splat.frames import workload as splat_workload

pytestmark = pytest.mark.skipif(
    shutil.which("iverilog") is None, reason="the program 'iverilog' is not installed (Debian package iverilog)"
)


Case = tuple[Operation[Any], Any, MemorySettings]


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


def reduction() -> Case:
    config = cluster.tiny()
    messages = random_messages(config, 128, ElementType.HALF, 1)
    memory = LinkedMemory(latency=20, stalls=64, link_pauses=64)
    return COLLECTIVE, prepare(config, messages, op=Op.REDUCE, form=ElementType.HALF), memory


def search() -> Case:
    config = lod.tiny()
    views = cameras("orbit", 2)
    workload = lod_workload(small_image(config.spec), views, 12.0, config, temporal=True, frustum=bool(config.frustum))
    return SEARCH, workload, MemorySettings(latency=20, stalls=64)


def retrieval() -> Case:
    config = kv.tiny()
    stream = clustered_stream(config.spec, 40, 2, seed=1)
    workload = prepare_retrieve(stream, config, retrieve_options(config.spec))
    return RETRIEVE, workload, MemorySettings(latency=20, stalls=64)


def sequence() -> Case:
    config = radiance.tiny()
    workload = radiance_workload(load_trace("synthetic:3", config.spec, size=16, frames=2), config)
    return LOOK_UP, workload, MemorySettings(latency=20, stalls=64)


def frame() -> Case:
    return DRAW, splat_workload("tiny", "few", width=16, height=16), MemorySettings(latency=20, stalls=64)


@pytest.mark.parametrize("case", [reduction, search, retrieval, sequence, frame])
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
