from __future__ import annotations

import pytest
from amaranth.lib import data

from hw.lib.list_reader import ListReader
from tests.hw.lib.list_bench import check_list
from tests.hw.lib.simulate import refuses

HEAD = data.StructLayout({"place": 32, "rest": 96})
ROW = data.StructLayout({"field": 128})


@pytest.mark.parametrize("width", [32, 128])
@pytest.mark.parametrize(("latency", "stall"), [(1, 0.0), (5, 0.5)])
def test_a_list_is_read(width: int, latency: int, stall: float, seed: int) -> None:
    check_list(ListReader(width=width, head=HEAD, row=ROW, place="place"), latency=latency, stall=stall, seed=seed)


def test_sizes_that_differ_are_refused() -> None:
    short = data.StructLayout({"field": 64})
    refuses("head and row must have one size", lambda: ListReader(width=32, head=HEAD, row=short, place="place"))
