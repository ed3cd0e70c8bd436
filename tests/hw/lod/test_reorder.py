"""VisitAllocator, reordering and retirement: nothing is lost, and the order is that of the visits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hw.lod.config import tiny
from hw.lod.reorder import Reorder
from hw.lod.retire import Retire
from hw.lod.visit_allocator import VisitAllocator
from tests.hw.lib.bench import Bench

CONFIG = replace(tiny(), units=3)


def finished(ticket: int, **result: int) -> dict[str, Any]:
    values = {"cut": ticket * 7, "expanded": ticket, "children": 0, "least": 100 + ticket}
    return {
        "ticket": ticket % CONFIG.tickets, "subtree": ticket, "turn": ticket // 20 % 2, "entered": 3 * ticket,
        "first_child": 10 * ticket,
        "children_end": 10 * ticket + 2, "result": {**values, **result},
    }  # fmt: skip


@pytest.mark.parametrize("ordered", [1, 0])
@pytest.mark.parametrize(("stall_in", "stall_out"), [(0.0, 0.0), (0.5, 0.2), (0.1, 0.8)])
def test_reorder(ordered: int, stall_in: float, stall_out: float, seed: int) -> None:
    config = replace(CONFIG, ordered=ordered, temporal=0)
    dut = Reorder(config=config)
    bench = Bench(dut, seed=seed)
    # No more than there are tickets, each unit's in an order of its own.
    everything = [finished(k) for k in range(config.tickets)]
    shuffled = list(everything)
    bench.random.shuffle(shuffled)
    for unit in range(config.units):
        bench.source(dut.i[unit], shuffled[unit :: config.units], stall=stall_in)
    log = bench.sink(dut.o, everything if ordered else len(everything), stall=stall_out)
    bench.run()
    assert sorted(v["subtree"] for v in log.values) == list(range(config.tickets))


@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_dispatcher(stall: float, seed: int) -> None:
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


@pytest.mark.parametrize("keep", [0, 1])
def test_retire(keep: int, seed: int) -> None:
    dut = Retire(config=CONFIG)
    bench = Bench(dut, seed=seed)
    rows = [finished(k, children=k % 3, least=(1 << 28 if k % 5 == 0 else 1000 * k)) for k in range(40)]
    bench.source(dut.i, rows, stall=0.2)
    bench.sink(dut.results, [{"subtree": r["subtree"], "cut": r["result"]["cut"]} for r in rows], stall=0.4)
    called = [r for r in rows if r["result"]["children"]]
    bench.sink(
        dut.calls,
        [
            {"first_child": r["first_child"], "children": r["result"]["children"], "expanded": r["result"]["expanded"]}
            for r in called
        ],
        stall=0.4,
    )
    travelled = [(1 << 32) - 20_000, 500]
    states = [
        {
            "deadline": (1 << 32) - 1 if k % 5 == 0 else min(travelled[k // 20 % 2] + 1000 * k, (1 << 32) - 1),
            "entered": r["entered"], "cut": r["result"]["cut"], "expanded": r["result"]["expanded"],
        }
        for k, r in enumerate(rows)
    ]  # fmt: skip
    bench.sink(dut.states, states if keep else 0, stall=0.4)

    async def settings(ctx: Any) -> None:
        ctx.set(dut.keep, keep)
        ctx.set(dut.travelled, travelled)
        await ctx.tick()

    bench.process(settings)
    bench.run()
