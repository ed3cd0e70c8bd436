"""A codebook on chip: lines in, entries out."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from amaranth.sim import Simulator

from hw.splat.book_table import BookTable
from tests.hw.lib.simulate import refuses


@pytest.mark.parametrize(("width", "entries", "per_line"), [(36, 16, 4), (12, 16, 8), (364, 16, 1), (5, 8, 4)])
def test_entries(width: int, entries: int, per_line: int, seed: int) -> None:
    """Every entry 2 cycles after its index, also after a line was written anew."""
    rng = Random(f"{seed} {width}")
    dut = BookTable(width=width, entries=entries, per_line=per_line)
    words = [rng.getrandbits(width) for _ in range(entries)]

    async def bench(ctx: Any) -> None:
        async def write(line: int) -> None:
            ctx.set(dut.write, 1)
            ctx.set(dut.line, line)
            for k in range(per_line):
                ctx.set(dut.data[k], words[line * per_line + k])
            await ctx.tick()
            ctx.set(dut.write, 0)

        for line in range(entries // per_line):
            await write(line)
        for turn in range(3):
            asked = [rng.randrange(entries) for _ in range(60)]
            got: list[int] = []
            for index in [*asked, 0, 0]:
                ctx.set(dut.index, index)
                got.append(ctx.get(dut.o))
                await ctx.tick()
            assert got[2:] == [words[index] for index in asked], turn
            line = rng.randrange(entries // per_line)
            words[line * per_line : (line + 1) * per_line] = [rng.getrandbits(width) for _ in range(per_line)]
            await write(line)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


def test_sizes_that_it_refuses() -> None:
    for message, entries, per_line in (
        ("entries must be a power of two, it is 12", 12, 4),
        ("per_line must be a power of two, it is 3", 16, 3),
        ("entries must be at least 2·per_line = 8, it is 4", 4, 4),
    ):
        refuses(message, lambda e=entries, p=per_line: BookTable(width=8, entries=e, per_line=p))
