from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from hw.lib.row_reader import RowReader
from tests.hw.lib.bench import Bench
from tests.hw.lib.memory_model import MemoryModel, word_at
from tests.hw.lib.simulate import refuses

WIDTH = 32


def row_at(address: int, row_bytes: int) -> int:
    return sum(word_at(address + k) << 8 * k for k in range(0, row_bytes, WIDTH // 8))


@pytest.mark.parametrize("ahead", [0, 2])
@pytest.mark.parametrize("row_bytes", [4, 8, 20])
@pytest.mark.parametrize(("stall_in", "memory", "stall_out"), [(0.0, 0.0, 0.0), (0.5, 0.3, 0.0), (0.0, 0.2, 0.6)])
def test_rows_are_whole_and_in_order(
    row_bytes: int, stall_in: float, memory: float, stall_out: float, ahead: int, seed: int
) -> None:
    """Every row comes in one burst, its first word lowest."""
    dut = RowReader(width=WIDTH, row_bytes=row_bytes, ahead=ahead)
    bench = Bench(dut, seed=seed)
    addresses = [4 * bench.random.getrandbits(20) for _ in range(25)]
    model = MemoryModel(bench, dut.memory, latency=4, stall=memory)
    bench.source(dut.i, addresses, stall=stall_in)
    bench.sink(dut.o, [row_at(address, row_bytes) for address in addresses], stall=stall_out)
    bench.run()
    assert model.bursts == [(address, row_bytes // 4) for address in addresses]


def test_a_row_follows_the_other_at_the_pace_of_the_memory(seed: int) -> None:
    """With enough rows asked for ahead, no cycle is lost between them."""
    dut = RowReader(width=WIDTH, row_bytes=16, ahead=4)
    bench = Bench(dut, seed=seed)
    MemoryModel(bench, dut.memory, latency=2)
    bench.source(dut.i, [64 * k for k in range(12)])
    log = bench.sink(dut.o, 12)
    bench.run()
    assert [b - a for a, b in pairwise(log.cycles)] == [4] * 11


def test_a_row_stays_until_the_next_ones_first_word(seed: int) -> None:
    """Whoever reads row by row may look at the last one while he has not asked for another."""
    dut = RowReader(width=WIDTH, row_bytes=12)
    bench = Bench(dut, seed=seed)
    MemoryModel(bench, dut.memory, latency=3, stall=0.3)
    log = bench.sink(dut.o, 3)

    async def run(ctx: Any) -> None:
        for k in range(3):
            ctx.set(dut.i.payload, 256 * k)
            ctx.set(dut.i.valid, 1)
            await ctx.tick().until(dut.i.ready)
            ctx.set(dut.i.valid, 0)
            while len(log.values) == k:
                await ctx.tick()
            for _ in range(5):
                assert ctx.get(dut.o.payload) == row_at(256 * k, 12)
                assert not ctx.get(dut.o.valid)
                await ctx.tick()

    bench.process(run)
    bench.run()


@pytest.mark.parametrize("row_bytes", [0, 6, 260])
def test_impossible_rows_are_refused(row_bytes: int) -> None:
    message = f"RowReader: row_bytes must be 1 to 64 words of 4 bytes, it is {row_bytes}"
    refuses(message, lambda: RowReader(width=WIDTH, row_bytes=row_bytes))
    refuses("RowReader: ahead must be at least 0, it is -1", lambda: RowReader(width=WIDTH, row_bytes=4, ahead=-1))
