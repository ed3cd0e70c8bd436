"""Visit allocator: every visit gets a ticket, and a context of a unit that has offered it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hw.lod.config import tiny
from hw.lod.visit_allocator import VisitAllocator
from tests.hw.lib.bench import Bench

CONFIG = replace(tiny(), units=3)


@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_visits_leave_in_order(stall: float, seed: int) -> None:
    """Visits leave in order with tickets in turn; no more tickets are out than there are."""
    dut = VisitAllocator(config=CONFIG)
    bench = Bench(dut, seed=seed)
    visits = [{"subtree": k, "entered": k + 1, "before": k + 2, "turn": k % 2} for k in range(90)]
    contexts = [[bench.random.randrange(CONFIG.contexts) for _ in range(90)] for _ in range(CONFIG.units)]
    bench.source(dut.i, visits, stall=stall)
    log = bench.sink(dut.o, 90, stall=stall)
    returned = [0]

    async def give_back(ctx: Any) -> None:
        while True:
            back = len(log.values) > returned[0] and not bench.stall(0.7)
            ctx.set(dut.returned, back)
            await ctx.tick()
            returned[0] += back
            assert len(log.values) - returned[0] <= CONFIG.tickets

    async def free(ctx: Any) -> None:
        """Any unit may run out of contexts at any time, but for what it has offered."""
        places = [0] * CONFIG.units
        offers = [False] * CONFIG.units
        while True:
            for k, stream in enumerate(dut.free):
                offers[k] = offers[k] or not bench.stall(0.6)
                ctx.set(stream.valid, offers[k])
                ctx.set(stream.payload, contexts[k][places[k] % 90] if offers[k] else 0)
            taken = (await ctx.tick().sample(*(s.ready for s in dut.free)))[2:]
            for k in range(CONFIG.units):
                if offers[k] and taken[k]:
                    places[k], offers[k] = places[k] + 1, False

    bench.process(give_back)
    bench.process(free)
    bench.run()
    places = [0] * CONFIG.units
    for k, load in enumerate(log.values):
        assert load["visit"] == visits[k]
        assert load["ticket"] == k % CONFIG.tickets
        assert load["context"] == contexts[load["unit"]][places[load["unit"]]]
        places[load["unit"]] += 1
    assert all(places)
