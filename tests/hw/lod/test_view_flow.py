"""View flow: views are opened and closed in order, and two overlap only where that is allowed."""

from __future__ import annotations

from typing import Any

import pytest

from hw.lod.view_flow import ViewFlow
from tests.hw.lib.bench import Bench


class Views:
    """A search and a result writer of random speed, and a log of what the flow does with them."""

    def __init__(self, bench: Bench, dut: ViewFlow, kinds: list[int], haste: float) -> None:
        self.bench, self.dut, self.kinds, self.haste = bench, dut, kinds, haste
        self.fetched = self.opened = self.closed = 0
        self.places: list[int] = []
        self.together = 0  # cycles with two open views
        self.over = False
        bench.process(self.run)

    async def run(self, ctx: Any) -> None:
        dut = self.dut
        ctx.set(dut.job, {"view_count": len(self.kinds), "result_address": 512, "result_stride": 64,
                          "result_buffers": 3})  # fmt: skip
        ctx.set(dut.start, 1)
        await ctx.tick()
        ctx.set(dut.start, 0)
        loading, begun, finished, idle = True, True, False, False
        under_way = [0, 0]  # cycles that visits of each turn still take
        while not self.over:
            ctx.set(dut.loading, loading)
            ctx.set(dut.temporal, self.fetched > 0 and self.kinds[self.fetched - 1])
            ctx.set(dut.begun, begun)
            ctx.set(dut.under_way, sum((left > 0) << turn for turn, left in enumerate(under_way)))
            ctx.set(dut.finished, finished)
            ctx.set(dut.idle, idle)
            _, _, fetches, opens, turn, closing, retiring, begins, finish, place, forget = await ctx.tick().sample(
                dut.next, dut.open, dut.turn, dut.closing, dut.retiring, dut.begin, dut.finish, dut.place, dut.forget
            )
            loading = fetches or (loading and not self.bench.stall(self.haste))
            idle = self.bench.stall(self.haste)
            begun = not opens and (begun or self.bench.stall(self.haste))
            if retiring and under_way[closing] and (begun or turn != closing):
                under_way[closing] -= 1
            if begins:
                self.places.append(place)
            if finish and finished:
                assert not under_way[self.closed % 2]
                self.closed += 1
            finished = finish and not finished and self.bench.stall(self.haste)
            self.fetched += fetches
            if opens:
                assert self.opened - self.closed <= self.kinds[self.opened]
                self.opened += 1
                under_way[(self.opened - 1) % 2] = self.bench.random.randrange(9)
            self.together += self.opened - self.closed == 2
            self.over = bool(forget)


@pytest.mark.parametrize("haste", [0.1, 0.5, 0.95])
def test_views_are_opened_and_closed_in_order(haste: float, seed: int) -> None:
    """At most two are open, the second one only if it is temporal; the places of results are taken in turn."""
    dut = ViewFlow()
    bench = Bench(dut, seed=seed)
    kinds = [0, 1, 1, 1, 0, 0, 1, 1, 1, 1]
    views = Views(bench, dut, kinds, haste)
    bench.run(drain=1500)
    assert views.over
    assert views.opened == views.closed == len(kinds)
    assert views.places == [512 + 64 * (k % 3) for k in range(len(kinds))]
    assert views.together
