"""The bound of a path: every stage's sum, and every view's slowest stage."""

from __future__ import annotations

import numpy as np
import pytest

from golden.lod.memory_image import ViewResult
from hw.lod.config import default
from hw.lod.top import COUNTERS
from sim.kernel.jobs import JobResult, MemorySettings
from sim.lod.workload import RtlSearch, lod_roofline

NOTHING = np.zeros(0, np.int64)


def search(summaries: list[dict[str, int]], **counted: int) -> RtlSearch:
    """A path with these summaries and counters, all others 0."""
    counters = dict.fromkeys(COUNTERS.members, 0) | {"views": len(summaries)} | counted
    views = [ViewResult(subtrees=NOTHING, cuts=NOTHING, summary=summary) for summary in summaries]
    job = JobResult(
        data=np.zeros(0, np.uint8), counters=counters, bytes_read=0, bytes_written=0, generate_seconds=0.0,
        build_seconds=0.0, run_seconds=0.0, free_seconds=0.0,
    )  # fmt: skip
    return RtlSearch(views=views, state={}, job=job, temporal=True)


def test_a_view_goes_on_from_the_one_before() -> None:
    """A first view of nodes and two that read the table: neither sum is what the path needs."""
    first = {"subtrees": 80, "nodes": 2000, "fetches": 80}
    later = {"subtrees": 0, "nodes": 0, "fetches": 0}
    rtl = search([first, later, later], cycles=1300, nodes_counted=2000, hits=0, misses=80, state_words=1200)
    stages = lod_roofline(rtl, default(), MemorySettings()).stages
    table, summary = 400, 1
    assert stages["LT units"] == 2000 / 4
    assert stages["state scan"] == 3 * table
    # The first view: 80 subtrees of 4 words, the table, 80 results of 8 bytes, a summary.
    assert stages["view by view"] == max(500, 320 + table + 10 + summary) + 2 * (table + summary)


@pytest.mark.parametrize(
    ("counter", "stage", "cycles"),
    [
        ("nodes_counted", "LT units", 250),
        ("hits", "fetch", 4000),
        ("misses", "fetch", 4000),
        ("tree_words", "memory", 2000),
        ("result_write_words", "memory", 2000),
    ],
)
def test_each_kind_of_work_bounds_its_stage(counter: str, stage: str, cycles: int) -> None:
    rtl = search([{"subtrees": 0, "nodes": 0, "fetches": 0}], cycles=9000, **{counter: 1000})
    roofline = lod_roofline(rtl, default(), MemorySettings(bandwidth=128))
    assert roofline.limit == stage
    assert roofline.stages[stage] == cycles
    assert roofline.ratio == 9000 / cycles
