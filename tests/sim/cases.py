"""A small job of every engine, with a memory that makes it wait."""

from __future__ import annotations

from typing import Any

from golden.cluster.spec import ElementType, Op
from hw.cluster import config as cluster
from hw.kv import config as kv
from hw.lod import config as lod
from hw.radiance import config as radiance
from sim.cluster.player import LinkedMemory
from sim.cluster.run import COLLECTIVE
from sim.cluster.workload import prepare, random_messages
from sim.kernel.jobs import MemorySettings
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
from tests.sim.kv.streams import clustered_stream
from tests.sim.splat.frames import workload as splat_workload

Case = tuple[Operation[Any], Any, MemorySettings]


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
    """Two frames of a synthetic path on `radiance`."""
    config = radiance.tiny()
    workload = radiance_workload(load_trace("synthetic:3", config.spec, size=16, frames=2), config)
    return LOOK_UP, workload, MemorySettings(latency=20, stalls=64)


def frame() -> Case:
    return DRAW, splat_workload("tiny", "few", width=16, height=16), MemorySettings(latency=20, stalls=64)
