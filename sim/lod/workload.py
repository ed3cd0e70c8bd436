"""A job for the LoD search core: tree, path and config to a memory image and back to cuts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from golden.errors import InputError
from golden.lod.memory_image import LodImage, ViewResult, build_memory_image, read_state, read_view
from golden.lod.memory_map import RESULT_BYTES
from golden.lod.tree_image import TreeImage
from golden.lod.view import View
from golden.rows import Ints
from golden.scenes.embedded import EMBEDDED_NAME
from hw.lod.config import Config
from hw.lod.top import COUNTERS, LodEngine
from sim.kernel.data import present
from sim.kernel.jobs import JobResult, MemorySettings, run_job
from sim.kernel.roofline import Roofline


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


def known_trees() -> list[str]:
    """The built-in scene, and the real hierarchy and scenes where they are at hand."""
    return [EMBEDDED_NAME, *present("lod/statue_angel.hier", "scenes/skull.ply", "scenes/flowers_3_0.ply")]


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


def lod_roofline(rtl: RtlSearch, config: Config, memory: MemorySettings) -> Roofline:
    """work / throughput of every stage, from the hardware's own counters.

    LT units: a node that is reached, a cycle. Fetch: a word a cycle, hit or miss. State scan: a
    word a cycle. Memory: words moved / words a cycle. View by view: the sum of what each view's
    slowest stage needs, since a view goes on from what the one before has found. (The next view's
    table is read ahead by at most `state_words` words, so that a path can be faster by as much.)
    """
    counters = rtl.job.counters
    words = sum(n for name, n in counters.items() if name.endswith("_words"))
    table = counters["state_words"] / counters["views"]
    return Roofline(
        cycles=counters["cycles"],
        stages={
            "LT units": counters["nodes_counted"] / config.units,
            "fetch": float((counters["hits"] + counters["misses"]) * config.block_words),
            "state scan": float(counters["state_words"]),
            "memory": words / (memory.bandwidth / 256),
            "view by view": sum(max(_view_stages(view.summary, table, config, memory)) for view in rtl.views),
        },
    )


def _view_stages(summary: Mapping[str, int], table: float, config: Config, memory: MemorySettings) -> list[float]:
    """Cycles that the stages need for one view; the words that it writes to the state table are not known."""
    results = 1 + -(-summary["subtrees"] * RESULT_BYTES // config.word_bytes)
    words = summary["fetches"] * config.block_words + table + results
    return [
        summary["nodes"] / config.units,
        float(summary["subtrees"] * config.block_words),
        words / (memory.bandwidth / 256),
    ]
