from __future__ import annotations

from sim.kernel.roofline import Roofline, dram_bytes


def test_the_slowest_stage_is_the_bound() -> None:
    """Bound, its stage and the ratio follow from the stages alone."""
    roofline = Roofline(cycles=150, stages={"a": 20.0, "b": 100.0, "c": 99.0})
    assert (roofline.bound, roofline.limit, roofline.ratio) == (100.0, "b", 1.5)


def test_bytes_are_words_times_width() -> None:
    """Every counter of words is a kind of traffic; other counters are not."""
    moved = dram_bytes({"cycles": 9, "list_words": 3, "write_words": 4, "words": 5}, 16)
    assert moved == {"list": 48, "write": 64, "total": 112}
