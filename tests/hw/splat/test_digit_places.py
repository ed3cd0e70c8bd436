"""Digit places: each turn's are the running sums of its digit's counts, and its counts are empty behind it."""

from __future__ import annotations

from typing import Any

import pytest

from hw.splat.digit_places import DigitPlaces
from tests.hw.lib.bench import Bench

BITS, TURNS, CAPACITY = 8, 3, 40
DIGITS = 1 << BITS


@pytest.mark.parametrize("count", [CAPACITY, 1, 0])
def test_places(count: int, seed: int) -> None:
    """Two sets of keys on end, the second with a digit that all share; reset in the first one's count."""
    dut: Any = DigitPlaces(bits=BITS, turns=TURNS, capacity=CAPACITY)
    bench = Bench(dut, seed=seed, deadline=10_000)
    sets = [[bench.random.randrange(256**3) & mask for _ in range(count)] for mask in (-1, 0xFF00FC)]

    async def run(ctx: Any) -> None:
        for keys in sets:
            while not ctx.get(dut.cleared):
                await ctx.tick()
            for key in keys:
                ctx.set(dut.key, key)
                ctx.set(dut.counts, 1)
                for turn in range(TURNS):
                    _, _, counted = await ctx.tick().sample(dut.counted)
                    assert counted == (turn == TURNS - 1)
                ctx.set(dut.counts, 0)
                if bench.stall(0.3):
                    await ctx.tick()
            ctx.set(dut.total, count)
            for turn in range(TURNS):
                await one_turn(ctx, keys, turn)

    async def one_turn(ctx: Any, keys: list[int], turn: int) -> None:
        digits = [key >> 8 * turn & DIGITS - 1 for key in keys]
        ctx.set(dut.turn, turn)
        ctx.set(dut.begin, 1)
        cycles, begun, shared = 0, False, False
        while not begun:
            _, _, begun, shared = await ctx.tick().sample(dut.begun, dut.shared)
            cycles += 1
        assert (cycles, shared) == (DIGITS + 2, len(set(digits)) <= 1)
        ctx.set(dut.begin, 0)
        wanted = sorted(range(count), key=lambda k: digits[k])
        for number, key in enumerate(keys):
            ctx.set(dut.moving, key)
            ctx.set(dut.moves, 1)
            _, _, place = await ctx.tick().sample(dut.place)
            assert wanted[place] == number
        ctx.set(dut.moves, 0)

    bench.process(run)
    bench.run(drain=0)
