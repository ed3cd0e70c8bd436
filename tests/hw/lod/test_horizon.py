"""Horizon: never past a child that may still be called, and up to all that is known."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import pytest
from amaranth.sim import Simulator

from hw.lod.config import tiny
from hw.lod.horizon import Horizon
from tests.hw.lib.bench import Bench

SOONEST = 4  # cycles after which a visit can be over; an LT unit takes more
SETTLED = 5  # cycles after which nothing is new any more


class Tree:
    """First child, and the place behind the last one, of subtrees numbered breadth-first."""

    def __init__(self, rng: random.Random, count: int, most: int) -> None:
        self.first, self.end, place = list[int](), list[int](), 1
        for _ in range(count):
            self.first.append(place)
            place = min(place + rng.randrange(most + 1), count)
            self.end.append(place)


class Search:
    """Sends and retires visits of one view after the other; two views may be under way."""

    def __init__(self, dut: Horizon, rng: random.Random) -> None:
        self.dut, self.rng = dut, rng
        self.turn = 1
        self.flying: list[tuple[int, int]] = []  # (subtree, turn), the oldest first
        self.now, self.began = 0, deque[int]()  # cycle, and those in which the visits under way began
        self.ahead = 0  # the most that `o` was beyond what the view itself had retired

    async def cycle(self, ctx: Any, tree: Tree, left: list[int], retired: list[int], *, send: bool, retire: bool):
        """One clock edge; `left` and `retired` are the view's visits to come and over."""
        dut = self.dut
        ctx.set(dut.sent, {"valid": send, "subtree": left[0] if send else 0})
        if send:
            self.flying.append((left.pop(0), self.turn))
            self.began.append(self.now)
        self.now += 1
        done = self.flying[0] if retire else (0, 0)
        ctx.set(dut.retired, {"valid": retire, "subtree": done[0], "children_end": tree.end[done[0]], "turn": done[1]})
        place = (await ctx.tick().sample(dut.o))[2]
        if retire:
            self.flying.pop(0)
            self.began.popleft()
            if done[1] == self.turn:
                retired.append(done[0])
        return place

    async def view(self, ctx: Any, tree: Tree, visits: list[int], *, overlap: int) -> None:
        """Searches until `overlap` visits are left under way."""
        dut, left, retired = self.dut, list(visits), list[int]()
        ctx.set(dut.start, 1)
        await self.cycle(ctx, tree, left, retired, send=False, retire=False)
        self.turn ^= 1
        ctx.set(dut.start, 0)
        ctx.set(dut.turn, self.turn)
        # No more than two views are open: a third begins when the first one is over.
        while left or len(self.flying) > overlap or any(turn != self.turn for _, turn in self.flying):
            mine = [subtree for subtree, turn in self.flying if turn == self.turn]
            nearest = min((tree.first[s] for s in [*mine, *left]), default=len(tree.first))
            place = await self.cycle(
                ctx, tree, left, retired,
                send=bool(left) and len(self.flying) < 8 and self.rng.random() < 0.5,
                retire=bool(self.flying) and self.now - self.began[0] >= SOONEST and self.rng.random() < 0.4,
            )  # fmt: skip
            assert place <= nearest, f"a child of {min(mine + left)} may be called at {nearest}"
            self.ahead = max(self.ahead, place - max((tree.end[s] for s in retired), default=0))
        if not overlap:
            for _ in range(SETTLED):
                place = await self.cycle(ctx, tree, left, retired, send=False, retire=False)
            assert place >= max(tree.end[s] for s in retired)


@pytest.mark.parametrize("overlap", [0, 3])
def test_never_past_a_call_and_never_far_behind(overlap: int, seed: int) -> None:
    """Three trees one after the other, the second one with far fewer children than the first."""
    rng = random.Random(seed)
    trees = [Tree(rng, 300, most) for most in (6, 1, 3)]
    dut = Horizon(config=tiny())
    search = Search(dut, rng)

    async def bench(ctx: Any) -> None:
        ctx.set(dut.turn, search.turn)
        for tree in trees:
            for number in range(6):
                share = 1.0 if number == 0 else rng.choice([0.02, 0.2, 0.7])
                visits = [s for s in range(300) if rng.random() < share] or [7]
                await search.view(ctx, tree, visits, overlap=overlap if number < 5 else 0)
            ctx.set(dut.forget, 1)
            await search.cycle(ctx, tree, [], [], send=False, retire=False)
            ctx.set(dut.forget, 0)

    simulator = Simulator(dut)
    simulator.add_clock(1e-9)
    simulator.add_testbench(bench)
    simulator.run()
    assert search.ahead > 20  # what earlier views have taught


@pytest.mark.parametrize("haste", [0.15, 0.9])
def test_no_call_comes_before_the_horizon(haste: float, seed: int) -> None:
    """Each view begins while the one before is finished; the later ones have a horizon from their first visit on."""
    dut = Horizon(config=tiny())
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
                sends = not opening and bool(left) and len(under_way) < tiny().tickets and bench.stall(0.5)
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
