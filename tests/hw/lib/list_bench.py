"""A list in memory, read whole by a `ListReader`."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Value

from hw.lib.list_reader import ListReader
from tests.hw.lib.bench import Bench
from tests.hw.lib.memory_model import MemoryModel, word_at

HEAD, ROWS = 1 << 10, 1 << 13
LISTS, COUNT = 2, 4


def check_list(dut: ListReader, *, latency: int, stall: float, seed: int) -> None:
    """Head, then row after row from where it says, each whole and in place when `busy` falls; and all of it again.

    The head's field with the rows' address must be its lowest 32 bits.
    """
    bench = Bench(dut, seed=seed)
    size, whole, mask = dut.width // 8, len(Value.cast(dut.row)) // 8, (1 << dut.width) - 1

    def contents(address: int) -> int:
        word = word_at(address) & mask
        return word >> 32 << 32 | ROWS if address == HEAD else word

    def row(address: int) -> int:
        return sum(contents(address + k) << (8 * k) for k in range(0, whole, size))

    MemoryModel(bench, dut.memory, latency=latency, stall=stall, contents=contents)
    got: list[tuple[int, int]] = []

    async def run(ctx: Any) -> None:
        ctx.set(dut.address, HEAD)
        for k in range(LISTS * (COUNT + 1)):
            begin = dut.next if k % (COUNT + 1) else dut.start
            ctx.set(begin, 1)
            await ctx.tick()
            ctx.set(begin, 0)
            assert ctx.get(dut.busy)
            while ctx.get(dut.busy):
                await ctx.tick()
            for _ in range(bench.random.randrange(4)):
                await ctx.tick()
            got.append((ctx.get(Value.cast(dut.head)), ctx.get(Value.cast(dut.row))))

    bench.process(run)
    bench.run(drain=1400)
    assert [head for head, _ in got] == [row(HEAD)] * len(got)
    rows = [row for k, (_, row) in enumerate(got) if k % (COUNT + 1)]
    assert rows == [row(ROWS + k * whole) for k in range(COUNT)] * LISTS
