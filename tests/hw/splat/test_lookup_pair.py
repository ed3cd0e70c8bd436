"""Lookup pair: a candidate and its partner by one set of books, in step."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from amaranth.sim import Simulator

from golden.splat.spec import TINY
from hw.lib.fields import pack, unpack_nested
from hw.splat.layouts import BookLineLayout, DetailLayout, IndexedLayout, partner_spec
from hw.splat.lookup_pair import LookupPair
from tests.hw.splat.books import RandomBooks, paired_candidate
from tests.hw.splat.datapath import same

SPEC = replace(TINY, codebooks=1, scale_entries=32, rotation_entries=16, dc_entries=64, sh_entries=16)


def test_pairs_back_to_back(seed: int) -> None:
    """One pair a cycle, each 2 cycles later; who has no partner says so."""
    rng = Random(seed)
    dut = LookupPair(spec=SPEC)
    books = RandomBooks(SPEC, rng)
    pairs = [paired_candidate(books, rng.random() < 0.7) for _ in range(80)]
    got: list[dict[str, Any]] = []

    async def bench(ctx: Any) -> None:
        for line in books.lines():
            ctx.set(dut.line.as_value(), pack(BookLineLayout(), line))
            await ctx.tick()
        ctx.set(dut.line.as_value(), 0)
        for given, _ in [*pairs, pairs[0], pairs[0]]:
            ctx.set(dut.i.as_value(), pack(IndexedLayout(SPEC, units=2), given))
            got.append(unpack_nested(ctx.get(dut.o.as_value()), DetailLayout(SPEC, units=2)))
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert dut.latency == 2
    assert partner_spec(SPEC).sh_degree == 0
    assert not any(name.startswith("sh_") for name in got[2]["partner"]["record"])
    same(got[2:], [wanted for _, wanted in pairs])
