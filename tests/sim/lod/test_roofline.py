"""The bound of a path: every stage's sum, and every view's slowest stage."""

from __future__ import annotations

import pytest

from hw.lod.config import default
from hw.lod.top import COUNTERS
from sim.kernel.jobs import MemorySettings
from sim.lod.run import roofline


def counters(views: int, **counted: int) -> dict[str, int]:
    """These counters of a path of so many views, all others 0."""
    return dict.fromkeys(COUNTERS.members, 0) | {"views": views} | counted


def test_a_view_goes_on_from_the_one_before() -> None:
    """A first view of nodes and two that read the table: neither sum is what the path needs."""
    first = {"subtrees": 80, "nodes": 2000, "fetches": 80}
    later = {"subtrees": 0, "nodes": 0, "fetches": 0}
    counted = counters(3, cycles=1300, nodes_counted=2000, hits=0, misses=80, state_words=1200)
    stages = roofline(counted, [first, later, later], default(), MemorySettings()).stages
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
    views = [{"subtrees": 0, "nodes": 0, "fetches": 0}]
    bound = roofline(counters(1, cycles=9000, **{counter: 1000}), views, default(), MemorySettings(bandwidth=128))
    assert bound.limit == stage
    assert bound.stages[stage] == cycles
    assert bound.ratio == 9000 / cycles
