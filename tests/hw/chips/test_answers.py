"""What answers do: they end sub-tiles, and stand in for what was drawn."""

from __future__ import annotations

from typing import Any

import pytest
from amaranth.hdl import Value

from hw.chips.lumina.answers import Answers
from hw.chips.lumina.config import tiny
from hw.lib.fields import unpack_nested
from tests.hw.lib.bench import Bench, Log

LANES = (1 << 16) - 1
IDLE = {"draw": 0, "flush": 0, "place": 0, "id": 0, "changed": 0, "done": 0}


@pytest.mark.parametrize("pending", [False, True])
def test_a_sub_tile(pending: bool, seed: int) -> None:
    """Even pixels are done, odd ones ask, one lies off the image; every other question hits, then all do."""
    config = tiny()
    dut = Answers(config=config)
    bench = Bench(dut, seed=seed)
    end = Log("steps", count=1)
    bench.logs.append(end)
    place, done = 3, sum(1 << k for k in range(0, 16, 2))  # the last sub-tile of the first row: columns 12 to 15
    full = LANES & ~done
    colour = [0x11223300 + k for k in range(16)]
    drawn = sum((0x01010101 * k) << 32 * k for k in range(16))

    async def answer(ctx: Any, lane: int, hit: bool) -> None:
        ctx.set(dut.i.payload, {"place": place, "lanes": 1 << lane, "hit": int(hit), "colour": colour[lane]})
        ctx.set(dut.i.valid, 1)
        ctx.set(dut.operation, {**IDLE, "draw": 1, "place": place})
        assert not ctx.get(dut.i.ready), "in the cycle of an operation on its sub-tile"
        await ctx.tick()
        ctx.set(dut.operation, IDLE)
        await ctx.tick()
        ctx.set(dut.i.valid, 0)

    async def operate(ctx: Any, done: int, **kind: int) -> tuple[int, int, int]:
        """finished, its place, and `ended`."""
        ctx.set(dut.operation, {**IDLE, **kind, "place": place, "done": done})
        await ctx.tick()
        ctx.set(dut.operation, IDLE)
        ctx.set(dut.before, {f"lane_{k}": {"full": full >> k & 1, "key": 5 * k} for k in range(16)})
        await ctx.tick()
        return ctx.get(dut.finished.valid), ctx.get(dut.finished.place), ctx.get(dut.ended)

    async def drive(ctx: Any) -> None:
        ctx.set(dut.size, {"width": 16, "height": 16})
        ctx.set(dut.pending, pending << place)
        for lane in range(1, 16, 2):
            await answer(ctx, lane, lane % 4 == 1)
        assert await operate(ctx, done, draw=1) == (0, place, 0)
        assert await operate(ctx, LANES, draw=1) == (not pending, place, 0)
        for lane in range(3, 16, 4):
            await answer(ctx, lane, True)
        assert await operate(ctx, done, draw=1) == (not pending, place, not pending)
        await answer(ctx, 3, False)
        ctx.set(dut.size, {"width": 15, "height": 16})  # pixels of column 3 are off the image
        assert (await operate(ctx, done, flush=1))[0] == 0
        ctx.set(dut.drawn, {"valid": 1, "place": place, "pixels": drawn})
        await ctx.tick()
        written = unpack_nested(ctx.get(Value.cast(dut.written)), dut.written.shape())
        final = unpack_nested(ctx.get(Value.cast(dut.final)), dut.final.shape())
        assert (written["valid"], written["place"], final["valid"], final["place"]) == (1, place, 1, place)
        for lane in range(16):
            asks = full >> lane & 1 and lane % 4 != 3
            expected = colour[lane] if asks else 0x01010101 * lane
            assert written["pixels"] >> 32 * lane & 0xFFFFFFFF == expected, lane
            assert final["pixels"][f"lane_{lane}"] == {"full": int(bool(asks)), "key": 5 * lane, "colour": expected}
        end.values.append(1)

    bench.process(drive)
    bench.run()
