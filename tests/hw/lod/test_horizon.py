"""Horizon: never past a child that may still be called, and up to all that is known."""

from __future__ import annotations

import random
from typing import Any

import pytest
from amaranth.sim import Simulator

from hw.lod.config import tiny
from hw.lod.horizon import Horizon

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
        self.ahead = 0  # the most that `o` was beyond what the view itself had retired

    async def cycle(self, ctx: Any, tree: Tree, left: list[int], retired: list[int], *, send: bool, retire: bool):
        """One clock edge; `left` and `retired` are the view's visits to come and over."""
        dut = self.dut
        ctx.set(dut.sent, {"valid": send, "subtree": left[0] if send else 0})
        if send:
            self.flying.append((left.pop(0), self.turn))
        done = self.flying[0] if retire else (0, 0)
        ctx.set(dut.retired, {"valid": retire, "subtree": done[0], "children_end": tree.end[done[0]], "turn": done[1]})
        place = (await ctx.tick().sample(dut.o))[2]
        if retire:
            self.flying.pop(0)
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
        while left or len(self.flying) > overlap:
            mine = [subtree for subtree, turn in self.flying if turn == self.turn]
            nearest = min((tree.first[s] for s in [*mine, *left]), default=len(tree.first))
            place = await self.cycle(
                ctx, tree, left, retired,
                send=bool(left) and len(self.flying) < 8 and self.rng.random() < 0.5,
                retire=bool(self.flying) and self.rng.random() < 0.4,
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
