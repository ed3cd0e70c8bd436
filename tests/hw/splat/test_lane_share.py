"""One back end: no more under way than it holds, pixels in order, flushes that wait for the other back ends."""

from __future__ import annotations

from typing import Any

from golden.splat.spec import TINY
from hw.splat.lane_share import DEPTH, FLUSHES, LaneShare
from hw.splat.pixel_bytes import StateLayout
from tests.hw.lib.bench import Bench

PLACES = 4
IDLE = {"row": [0, 0], "column": [0, 0], "cross": [0, 0], "color": 0}


def test_flushes_wait(seed: int) -> None:
    """Nobody takes: two flushes are offered or on their way, and what comes after them stays in the queue."""
    dut = LaneShare(spec=TINY, places=PLACES, share=2)
    bench = Bench(dut, seed=seed)
    taken: list[int] = []
    state = StateLayout(TINY)
    transparent = (1 | 1 << state.size) * (TINY.full_transmittance << state["transmittance"].offset)
    levels: list[int] = []

    async def run(ctx: Any) -> None:
        for cycle in range(140):
            flush = int(cycle < 8)
            ctx.set(dut.i, IDLE | {"flush": flush, "draw": 0, "place": cycle % PLACES})
            ctx.set(dut.flushed.ready, int(cycle > 80))
            levels.append(ctx.get(dut.level))
            if ctx.get(dut.flushed.valid) and cycle > 80:
                taken.append(ctx.get(dut.flushed.payload.place))
                assert ctx.get(dut.flushed.payload.pixels) == transparent or len(taken) <= PLACES
            await ctx.tick()

    bench.process(run)
    bench.run(drain=150)
    assert max(levels) <= DEPTH
    assert levels[79] == 8 - FLUSHES
    assert taken == [*range(PLACES)] * 2


def test_one_pixel_twice(seed: int) -> None:
    """Six splats one right behind the other on the same pixel: each sees what those before it have left."""
    dut = LaneShare(spec=TINY, places=PLACES, share=2)
    bench = Bench(dut, seed=seed)
    changed = 0
    opaque: list[int] = []
    color = 1 << TINY.color_fraction - 1
    pixels: list[int] = []

    async def run(ctx: Any) -> None:
        nonlocal changed
        script = {2: (0, 1), **dict.fromkeys(range(40, 46), (1, 0)), 90: (0, 1)}
        for cycle in range(140):
            draw, flush = script.get(cycle, (0, 0))
            # Each halves what shines through the first pixel; on the second one it is too faint.
            half, far = 1 << TINY.power_fraction, TINY.max_power + 1
            ctx.set(dut.i, IDLE | {"row": [half, far], "color": color, "draw": draw, "flush": flush, "place": 1})
            ctx.set(dut.flushed.ready, 1)
            changed += ctx.get(dut.changed)
            opaque.append(ctx.get(dut.settled))
            if ctx.get(dut.flushed.valid):
                pixels.append(ctx.get(dut.flushed.payload.pixels))
            await ctx.tick()

    bench.process(run)
    bench.run(drain=150)
    offset = StateLayout(TINY)["transmittance"].offset
    assert changed == 6
    assert not any(opaque)
    assert [(pixel >> offset) & TINY.full_transmittance for pixel in pixels[1:]] == [TINY.full_transmittance >> 6]
