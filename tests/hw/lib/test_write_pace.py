from __future__ import annotations

from typing import Any

import pytest

from hw.lib.write_pace import WritePace
from tests.hw.lib.bench import Bench, ticks
from tests.hw.lib.simulate import refuses

WORDS = 60


def bench_of(dut: Any, seed: int, stall: float = 0.0) -> tuple[Bench, Any, list[dict[str, int]]]:
    """The words that are sent, and the log of those that come."""
    bench = Bench(dut, seed=seed)
    words = [{"address": 8 * k, "data": bench.random.getrandbits(32), "last": k & 1} for k in range(WORDS)]
    bench.source(dut.client.request, words)
    return bench, bench.sink(dut.memory.request, words, stall=stall), words


@pytest.mark.parametrize("interval", [2, 5])
def test_words_give_way_to_reads_alone(interval: int, seed: int) -> None:
    """With two bursts under way a word passes every `interval` cycles until both have come, then every cycle."""
    dut: Any = WritePace(width=32, interval=interval, bursts=2)
    bench, log, _ = bench_of(dut, seed)
    ends: list[int] = []

    async def read(ctx: Any) -> None:
        ctx.set(dut.asked, 1)
        await ticks(ctx, 2)
        ctx.set(dut.asked, 0)
        for pause in (40, 40):
            await ticks(ctx, pause)
            ctx.set(dut.answered, 1)
            ends.append(ctx.get(bench.cycle))
            await ticks(ctx, 1)
            ctx.set(dut.answered, 0)

    bench.process(read)
    bench.run()
    first = log.cycles[1]
    slow = [cycle for cycle in log.cycles if first <= cycle <= ends[1]]
    assert slow == list(range(first, ends[1] + 1, interval))
    fast = [cycle for cycle in log.cycles if cycle > ends[1]]
    assert fast == list(range(ends[1] + 1, ends[1] + 1 + len(fast)))
    assert len(slow) > 10
    assert len(fast) > 5


def test_no_word_is_lost_or_withdrawn(seed: int) -> None:
    """Reads begin and end at random under a memory that stalls; the bench's checker sees a word that is withdrawn."""
    dut: Any = WritePace(width=32, interval=6, bursts=4)
    bench, _, _ = bench_of(dut, seed, stall=0.7)

    async def read(ctx: Any) -> None:
        under_way = 0
        while True:
            asks = under_way < 4 and bench.random.random() < 0.3
            answers = under_way > 0 and bench.random.random() < 0.6
            ctx.set(dut.asked, asks)
            ctx.set(dut.answered, answers)
            under_way += asks - answers
            await ctx.tick()

    bench.process(read)
    bench.run()


def test_an_interval_of_one_is_refused() -> None:
    refuses("WritePace: interval must be at least 2, it is 1", lambda: WritePace(width=32, interval=1, bursts=4))
