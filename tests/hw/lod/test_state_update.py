"""State update and horizon: what visits leave behind, and how far the tree is settled."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Any

import pytest
from amaranth.lib import data

from golden.lod.memory_map import STATE_BYTES
from hw.lib.fields import pack
from hw.lod.config import tiny
from hw.lod.horizon import Horizon
from hw.lod.layouts import state_layout
from hw.lod.state_update import StateUpdate
from tests.hw.lib.bench import Bench

CONFIG = replace(tiny(), memory_width=512)
LANES = CONFIG.word_bytes // STATE_BYTES
TABLE = 1 << 14
WORDS = 40


@pytest.mark.parametrize(("late", "stall"), [(0.0, 0.0), (0.3, 0.3), (0.8, 0.1)])
def test_words_are_filled_in_order(late: float, stall: float, seed: int) -> None:
    """A word is settled when the memory has taken it, not when it has left."""
    dut = StateUpdate(config=CONFIG)
    bench = Bench(dut, seed=seed)
    bits = bench.random.getrandbits

    def record() -> dict[str, int]:
        return {name: bits(32) for name in ("deadline", "entered", "cut", "expanded")}

    pending, records, writes = [], [], []
    for k in range(WORDS):
        word = {"word": 3 * k, "turn": k // 20, "mask": 1 + bench.random.randrange((1 << LANES) - 1)}
        old = [record() for _ in range(LANES)]
        new = [record() if word["mask"] >> lane & 1 else None for lane in range(LANES)]
        records += [each for each in new if each]
        pending.append(word | {"data": old})
        whole = [each or before for each, before in zip(new, old, strict=True)]
        raw = pack(data.ArrayLayout(state_layout(), LANES), whole)
        writes.append({"address": TABLE + 3 * k * CONFIG.word_bytes, "data": raw, "last": 1})
    bench.source(dut.pending, pending, stall=stall)
    bench.source(dut.i, records, stall=stall)
    bench.sink(dut.write.request, writes, stall=stall)

    async def memory(ctx: Any) -> None:
        ctx.set(dut.address, TABLE)
        taken, out = 0, False
        while True:
            out = out and bench.stall(late)  # on its way from the port to the memory
            ctx.set(dut.written, bool(taken) and not out)
            if taken and not out:
                done, taken = taken, 0
            else:
                done = 0
            request, settled = dut.write.request, dut.settled
            _, _, moved, valid, word, turn, idle = await ctx.tick().sample(
                request.valid & request.ready, settled.valid, settled.word, settled.turn, settled.idle
            )
            if valid:
                assert (word, turn) == (3 * log[0], log[0] // 20)
                assert not idle
            if done:
                log.popleft()
            if moved:
                assert not taken
                taken, out = 1, True

    log = deque(range(WORDS))
    bench.process(memory)
    bench.run(drain=60)
    assert not log


@pytest.mark.parametrize("haste", [0.15, 0.9])
def test_no_call_comes_before_the_horizon(haste: float, seed: int) -> None:
    """Each view begins while the one before is finished; the later ones have a horizon from their first visit on."""
    dut = Horizon(config=CONFIG)
    bench = Bench(dut, seed=seed)
    children = [bench.random.randrange(7) for _ in range(60)] + [0] * 400
    first = [1 + sum(children[:n]) for n in range(len(children))]
    told = [0] * 4  # the furthest horizon while the first visit of a view is under way

    async def run(ctx: Any) -> None:
        under_way: deque[tuple[int, int]] = deque()
        for view in range(4):
            left = deque(n for n in range(0 if view == 0 else 20, 90) if view == 0 or bench.stall(0.3))
            opening, oldest = True, left[0]
            while left or (view == 3 and under_way):
                ctx.set(dut.start, opening)
                sends = not opening and bool(left) and len(under_way) < CONFIG.tickets and bench.stall(0.5)
                retires = not sends and len(under_way) > 3 * bool(left) and bench.stall(haste)
                ctx.set(dut.sent.valid, sends)
                ctx.set(dut.sent.subtree, left[0] if left else 0)
                ctx.set(dut.retired.valid, retires)
                if retires:
                    old, n = under_way.popleft()
                    end = first[n] + children[n]
                    ctx.set(dut.retired, {"valid": 1, "subtree": n, "children_end": end, "turn": old % 2})
                limit = (await ctx.tick().sample(dut.o))[2]
                if sends:
                    under_way.append((view, left.popleft()))
                if opening:
                    ctx.set(dut.turn, view % 2)
                    opening = False
                    continue
                mine = [n for old, n in under_way if old == view]
                if mine or left:
                    assert limit <= first[min([*mine, *left])]
                if oldest in mine:
                    told[view] = max(told[view], limit)

    bench.process(run)
    bench.run(drain=1800)
    assert told[0] == 0
    assert all(limit > 20 for limit in told[1:])
