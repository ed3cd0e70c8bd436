"""Index lookup: its latency, and a line that belongs to no book."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from amaranth.sim import Simulator

from golden.splat.spec import TINY
from hw.lib.fields import pack, unpack_nested
from hw.splat.index_lookup import IndexLookup
from hw.splat.layouts import BookLineLayout, DetailLayout, IndexedLayout
from tests.hw.splat.books import RandomBooks
from tests.hw.splat.datapath import same

SPEC = replace(TINY, codebooks=1, scale_entries=32, rotation_entries=16, dc_entries=64, sh_entries=16)


def test_candidates_back_to_back(seed: int) -> None:
    """One a cycle, each 2 cycles later; a line without a book's flag changes nothing."""
    rng = Random(seed)
    dut = IndexLookup(spec=SPEC)
    books = RandomBooks(SPEC, rng)
    pairs = [books.candidate() for _ in range(80)]
    got: list[dict[str, Any]] = []

    async def bench(ctx: Any) -> None:
        for line in books.lines():
            ctx.set(dut.line.as_value(), pack(BookLineLayout(), line))
            await ctx.tick()
        noise = {"look": 0, "sh": 0, "line": 1, "data": rng.getrandbits(512)}
        ctx.set(dut.line.as_value(), pack(BookLineLayout(), noise))
        for given, _ in [*pairs, pairs[0], pairs[0]]:
            ctx.set(dut.i.as_value(), pack(IndexedLayout(SPEC), given))
            got.append(unpack_nested(ctx.get(dut.o.as_value()), DetailLayout(SPEC)))
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert dut.latency == 2
    same(got[2:], [wanted for _, wanted in pairs])
