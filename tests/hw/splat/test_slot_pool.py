"""Slot pool: every number has one holder at a time, and none is lost."""

from __future__ import annotations

from typing import Any

import pytest

from hw.splat.slot_pool import SlotPool
from tests.hw.lib.bench import Bench


@pytest.mark.parametrize("count", [2, 5, 8, 64])
@pytest.mark.parametrize(("take", "give"), [(1.0, 1.0), (0.5, 0.5), (0.9, 0.4), (0.4, 0.9)])
def test_one_holder_at_a_time(count: int, take: float, give: float, seed: int) -> None:
    """Numbers below `count`, never one that is held; new ones first, in order; all can be out at once."""
    dut = SlotPool(count=count)
    bench = Bench(dut, seed=seed)
    rng = bench.random
    handed: list[int] = []
    most = 0

    async def run(ctx: Any) -> None:
        nonlocal most
        held: list[int] = []
        offered: int | None = None
        for cycle in range(600):
            # In the end nothing comes back: the pool runs empty, and every number is out.
            back = cycle < 350 and held and rng.random() < give
            value = held.pop(rng.randrange(len(held))) if back else 0
            ctx.set(dut.i.payload, value)
            ctx.set(dut.i.valid, int(bool(back)))
            # A number that has been offered stays, whatever the taker does.
            ready = rng.random() < take
            ctx.set(dut.o.ready, ready)
            _, _, valid, number, free = await ctx.tick().sample(dut.o.valid, dut.o.payload, dut.i.ready)
            assert free or not back, "a number could not be given back"
            if valid:
                assert 0 <= number < count
                assert number not in held
                assert offered in (None, number)
                offered = None if ready else number
                if ready:
                    held.append(number)
                    handed.append(number)
                    most = max(most, len(held))

    bench.process(run)
    bench.run(drain=610)
    assert handed[:count] == list(range(count))
    assert most == count
    assert len(handed) > count + 20


def test_a_number_comes_back_after_two_cycles() -> None:
    """With a single number missing, it is there again two cycles after its return, not sooner."""
    dut = SlotPool(count=2)
    bench = Bench(dut)

    async def run(ctx: Any) -> None:
        ctx.set(dut.o.ready, 1)
        await ctx.tick()
        await ctx.tick()
        assert not ctx.get(dut.o.valid)
        ctx.set(dut.i.payload, 1)
        ctx.set(dut.i.valid, 1)
        seen: list[int] = []
        for _ in range(3):
            seen.append(ctx.get(dut.o.valid))
            await ctx.tick()
            ctx.set(dut.i.valid, 0)
        assert seen == [0, 0, 1]

    bench.process(run)
    bench.run()
