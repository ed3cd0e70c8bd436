"""Frame sequencer: frames are listed and drawn in order, one ahead at most, none before its words are in memory."""

from __future__ import annotations

import random
from typing import Any

import pytest
from amaranth.sim import Simulator

from hw.splat.frame_sequencer import FrameSequencer


@pytest.mark.parametrize("frames", [1, 2, 5])
@pytest.mark.parametrize(("listing", "drawing"), [(30, 5), (5, 30), (9, 9), (1, 1)])
def test_order(frames: int, listing: int, drawing: int, seed: int) -> None:
    """Two jobs on end; a start while busy is in vain."""
    dut: Any = FrameSequencer()
    rng = random.Random(seed)
    events: list[tuple[str, int]] = []

    async def drive(ctx: Any) -> None:
        for _ in range(2):
            await job(ctx)

    async def job(ctx: Any) -> None:
        ctx.set(dut.address, 64)
        ctx.set(dut.start, 1)
        await ctx.tick()
        ctx.set(dut.address, 7)
        left = {"list": 0, "draw": 0}
        at = 0
        for _ in range(frames * (listing + drawing + 60)):
            ctx.set(dut.start, rng.random() < 0.2)
            ready = rng.random() < 0.3
            ctx.set(dut.ready, ready)
            ctx.set(dut.listing, left["list"] > 0)
            ctx.set(dut.next_address, (at + 64 if at < 64 * frames else 0) if left["list"] == 0 else 5)
            ctx.set(dut.walked, left["draw"] == 1 and ready)
            if not ctx.get(dut.busy):
                break
            lists, draws = ctx.get(dut.lists), ctx.get(dut.draws)
            if left["draw"] > 1 or (left["draw"] == 1 and ready):
                left["draw"] -= 1
            left["list"] -= left["list"] > 0
            if lists:
                at = ctx.get(dut.list_address)
                left["list"] = listing
                events.append(("list", at))
            if draws:
                assert ready
                assert left["draw"] == 0
                events.append(("draw", ctx.get(dut.draw_address)))
                left["draw"] = drawing
            await ctx.tick()
        ctx.set(dut.start, 0)
        assert not ctx.get(dut.busy)
        assert left == {"list": 0, "draw": 0}

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(drive)
    simulator.run()
    wanted = [("list", 64)]
    for k in range(1, frames + 1):
        wanted += [("draw", 64 * k)] + ([("list", 64 * (k + 1))] if k < frames else [])
    assert events == 2 * wanted
