from __future__ import annotations

import pytest

from hw.splat.config import default, tiny
from hw.splat.top import COUNTERS
from sim.kernel.jobs import MemorySettings
from sim.kernel.roofline import Roofline, dram_bytes
from sim.splat.workload import splat_roofline


def test_the_slowest_stage_is_the_bound() -> None:
    """Bound, its stage and the ratio follow from the stages alone."""
    roofline = Roofline(cycles=150, stages={"a": 20.0, "b": 100.0, "c": 99.0})
    assert (roofline.bound, roofline.limit, roofline.ratio) == (100.0, "b", 1.5)


def test_bytes_are_words_times_width() -> None:
    """Every counter of words is a kind of traffic; other counters are not."""
    moved = dram_bytes({"cycles": 9, "list_words": 3, "write_words": 4, "words": 5}, 16)
    assert moved == {"list": 48, "write": 64, "total": 112}


@pytest.mark.parametrize(
    ("counter", "stage", "cycles"),
    [
        ("streamed", "coarse filter", 250),
        ("candidates", "fine filter", 1000),
        ("splats", "depth sort", 1000),
        ("draws", "rasteriser", 1000),
        ("flushes", "rasteriser", 1000),
        ("frame_words", "memory", 2000),
        ("list_words", "memory", 2000),
        ("coarse_words", "memory", 2000),
        ("record_words", "memory", 2000),
        ("write_words", "memory", 2000),
    ],
)
def test_each_kind_of_work_bounds_its_stage(counter: str, stage: str, cycles: int) -> None:
    """1000 units of one kind of work need what the default config's stage takes for them, other stages nothing."""
    counters = dict.fromkeys(COUNTERS.members, 0) | {counter: 1000, "cycles": 4000}
    roofline = splat_roofline(counters, default(), MemorySettings(bandwidth=128))
    assert roofline.limit == stage
    assert {name: need for name, need in roofline.stages.items() if need} == {stage: cycles}
    assert roofline.ratio == 4000 / cycles


def test_fewer_units_need_more_cycles() -> None:
    """One coarse lane and one bank of the tiny config are slower than four of the default."""
    counters = dict.fromkeys(COUNTERS.members, 0) | {"streamed": 1000, "splats": 1000}
    stages = splat_roofline(counters, tiny(), MemorySettings()).stages
    assert (stages["coarse filter"], stages["depth sort"]) == (1000, 4000)
