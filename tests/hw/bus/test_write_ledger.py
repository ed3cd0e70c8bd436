from __future__ import annotations

import random
from collections import deque
from typing import Any

import pytest
from amaranth.sim import Simulator

from hw.bus.write_ledger import WriteLedger
from hw.bus.write_order import WriteOrderSignature
from tests.hw.lib.simulate import refuses

BITS, DEPTH = 6, 4


@pytest.mark.parametrize("dense", [False, True])
def test_a_read_waits_for_what_it_meets(seed: int, dense: bool) -> None:
    """Against a model: `clear` from when the last burst that met the question was answered, whatever came since."""
    rng = random.Random(seed)
    dut = WriteLedger(bits=BITS, depth=DEPTH)
    answers = [0, 0]

    async def run(ctx: Any) -> None:
        ring: deque[tuple[int, int, int]] = deque()  # number, first, last
        number, opened = 0, None
        asked, waits = None, set()
        for _ in range(1500):
            # What the hardware sees in this cycle.
            closes = int(opened is not None and len(ring) < DEPTH and rng.random() < 0.4)
            answered = int(bool(ring) and rng.random() < 0.3)
            fresh = int(asked is None and rng.random() < 0.5)
            if fresh:
                first = rng.randrange(60 if not dense else 12)
                asked = (first, first + rng.randrange(4))
                spans = [*ring, *([opened] if opened else [])]
                waits = {n for n, a, b in spans if a <= asked[1] and b >= asked[0]}
            ctx.set(dut.opened, opened is not None)
            if opened:
                ctx.set(dut.span.first, opened[1])
                ctx.set(dut.span.last, opened[2])
            ctx.set(dut.closes, closes)
            ctx.set(dut.answered, answered)
            ctx.set(dut.order.fresh, fresh)
            if asked:
                ctx.set(dut.order.first, asked[0])
                ctx.set(dut.order.last, asked[1])
                assert ctx.get(dut.order.clear) == (not waits)
                answers[not waits] += 1
                if not fresh:
                    assert ctx.get(dut.flush) == (opened is not None and opened[0] in waits)
            assert ctx.get(dut.room) == (len(ring) < DEPTH)
            assert ctx.get(dut.empty) == (not ring)
            if ring:
                assert (ctx.get(dut.oldest.first), ctx.get(dut.oldest.last)) == ring[0][1:]
            await ctx.tick()
            if asked and not waits and rng.random() < 0.7:
                asked = None
            if answered:
                waits.discard(ring.popleft()[0])
            if closes:
                assert opened
                ring.append(opened)
                opened = None
            if opened is None and rng.random() < 0.6:
                first = rng.randrange(60 if not dense else 12)
                opened, number = (number, first, first), number + 1
            elif opened and rng.random() < 0.4:
                opened = (opened[0], opened[1], min(opened[2] + 1, 63))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(run)
    simulator.run()
    assert min(answers) > 100


def test_parameters() -> None:
    refuses("depth must be a power of two of at least 2, it is 3", lambda: WriteLedger(bits=4, depth=3))
    assert WriteOrderSignature(4).members["first"].shape == 4
