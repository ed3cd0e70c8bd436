"""A job for the LoD search core: tree, path and config to a memory image and back to cuts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from golden.errors import InputError
from golden.lod.memory_image import LodImage, ViewResult, build_memory_image, read_state, read_view
from golden.lod.tree_image import TreeImage
from golden.lod.view import View
from golden.rows import Ints
from hw.lod.config import Config
from hw.lod.top import COUNTERS, LodEngine
from sim.jobs import JobResult, MemorySettings, run_job
from sim.roofline import Roofline


@dataclass(frozen=True, kw_only=True)
class LodWorkload:
    """A path through a tree, laid out for `config`."""

    config: Config
    image: TreeImage
    path: Sequence[View]
    temporal: bool
    memory: LodImage


@dataclass(frozen=True, kw_only=True)
class RtlSearch:
    """What the engine found, view by view, and the state table it left."""

    views: list[ViewResult]
    state: dict[str, Ints]
    job: JobResult
    temporal: bool

    def last_cut(self, subtrees: int) -> Ints:
        """The masks of all subtrees after the last view, [subtrees]."""
        if self.temporal:
            return self.state["cut"]
        cut = np.zeros(subtrees, np.int64)
        cut[self.views[-1].subtrees] = self.views[-1].cuts
        return cut


def prepare(
    image: TreeImage, path: Sequence[View], config: Config, *, temporal: bool, buffers: int | None = None
) -> LodWorkload:
    """Lays the job out in memory; with `buffers` only the last so many views' results stay.

    Raises:
        InputError: a view has a frustum, and the config no test for it.
    """
    if not config.frustum and any(view.planes.any() for view in path):
        raise InputError("lod: views with a frustum need frustum = 1, it is 0")
    memory = build_memory_image(image, path, word_bytes=config.word_bytes, temporal=temporal, buffers=buffers)
    return LodWorkload(config=config, image=image, path=path, temporal=temporal, memory=memory)


def run_rtl(
    workload: LodWorkload, *, memory: MemorySettings = MemorySettings(), taps: bool = False, waves: bool = False,
    timeout: int = 100_000_000,
) -> RtlSearch:  # fmt: skip
    """Searches the path with the generated Verilog."""
    config, image = workload.config, workload.memory
    job = run_job(
        lambda: LodEngine(config=config), "lod", config, image, COUNTERS,
        memory=memory, taps=taps, waves=waves, timeout=timeout,
    )  # fmt: skip
    kept = range(max(0, len(workload.path) - image.buffers), len(workload.path))
    return RtlSearch(
        views=[read_view(job.data, image, k) for k in kept],
        state=read_state(job.data, image),
        job=job,
        temporal=workload.temporal,
    )


def lod_roofline(counters: Mapping[str, int], config: Config, memory: MemorySettings) -> Roofline:
    """work / throughput of every stage, from the hardware's own counters.

    LT units: a node that is reached, a cycle. Fetch: a word a cycle, hit or miss. State scan: a
    word a cycle. Memory: words moved / words a cycle.
    """
    words = sum(n for name, n in counters.items() if name.endswith("_words"))
    return Roofline(
        cycles=counters["cycles"],
        stages={
            "LT units": counters["nodes_counted"] / config.units,
            "fetch": float((counters["hits"] + counters["misses"]) * config.block_words),
            "state scan": float(counters["state_words"]),
            "memory": words / (memory.bandwidth / 256),
        },
    )
