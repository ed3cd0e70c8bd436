from __future__ import annotations

from typing import Any

import pytest
from amaranth.hdl import Value

from hw.bus.burst_gather import PATIENCE, BurstGather
from hw.lib.fields import unpack
from tests.hw.lib.bench import Bench
from tests.hw.lib.simulate import refuses

WIDTH = 64


def gathered(
    words: list[dict[str, int]], *, most: int = 8, flush: int = -1, room: bool = True
) -> list[tuple[int, int, int]]:
    """First word, number of words, and cycle of every burst; `flush` rises in that cycle."""
    dut = BurstGather(width=WIDTH, most=most)
    bench = Bench(dut)
    bench.source(dut.i, words)
    bench.sink(dut.o, [word["data"] for word in words])
    found: list[tuple[int, int, int]] = []

    async def watch(ctx: Any) -> None:
        ctx.set(dut.room, room)
        while True:
            ctx.set(dut.flush, ctx.get(bench.cycle) == flush)
            _, _, closes, bits, cycle = await ctx.tick().sample(dut.closes, Value.cast(dut.burst), bench.cycle)
            if closes:
                burst = unpack(bits, dut.burst.shape())
                found.append((burst["first"], burst["words"], cycle))

    bench.process(watch)
    bench.run(drain=2 * PATIENCE)
    return found


def word(index: int, *, last: int = 0) -> dict[str, int]:
    return {"address": 8 * index, "data": index * 7, "last": last}


@pytest.mark.parametrize(
    ("words", "bursts"),
    [
        ([word(k) for k in range(4)], [(0, 4, 4 + PATIENCE)]),  # late
        ([word(k, last=int(k == 3)) for k in range(4)], [(0, 4, 4)]),  # the run ends
        ([*[word(k, last=1) for k in range(4)]], [(0, 4, 4)]),  # runs that follow each other
        ([word(0), word(2, last=1)], [(0, 1, 1), (2, 1, 2)]),  # a word that does not follow
        ([word(5), word(5, last=1)], [(5, 1, 1), (5, 1, 2)]),  # the same word again
        ([word(k) for k in range(9)], [(0, 8, 8), (8, 1, 9 + PATIENCE)]),  # full
        ([word(510 + k, last=int(k == 3)) for k in range(4)], [(510, 2, 2), (512, 2, 4)]),  # a page ends
    ],
)
def test_where_bursts_end(words: list[dict[str, int]], bursts: list[tuple[int, int, int]]) -> None:
    assert gathered(words) == bursts


def test_flush_closes_the_open_burst() -> None:
    assert gathered([word(k) for k in range(3)], flush=6) == [(0, 3, 6)]


def test_nothing_without_room() -> None:
    dut = BurstGather(width=WIDTH, most=8)
    bench = Bench(dut)
    log = bench.source(dut.i, [word(0)])
    log.count, log.expected = 0, None
    bench.run(drain=50)
    assert not log.cycles


def test_parameters() -> None:
    refuses("a burst must be 1 to 512 words, it is 513", lambda: BurstGather(width=64, most=513))
