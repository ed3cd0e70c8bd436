"""Dispatcher: every sub-tile sees its splats in order, no hazard, no lost flush, whatever the lanes answer."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Any

import pytest

from hw.splat.config import tiny
from hw.splat.dispatcher import Dispatcher
from hw.splat.layouts import TileSplatLayout
from hw.splat.pixel_lane import HAZARD
from tests.hw.lib.bench import Bench
from tests.hw.splat.datapath import Payload
from tests.hw.splat.streams import whole

DRAW_LATENCY, FLUSH_LATENCY = 20, 21  # set-up and lanes

Operation = tuple[str, int, int]  # kind, sub-tile, splat


class Lanes:
    """Answers the operations as the lanes would, judges them, and ends sub-tiles at random."""

    def __init__(self, bench: Bench, splats: list[list[Payload]], *, opaque: float, room: float) -> None:
        self.bench, self.dut = bench, bench.dut
        self.dut: Any = bench.dut
        self.splats, self.opaque, self.room = splats, opaque, room
        self.count = bench.dut.config.places
        self.done: dict[int, int] = {}  # sub-tile to the cycle from which it is known to be opaque
        self.seen: list[list[int]] = [[] for _ in range(self.count)]  # splats of this group on each sub-tile
        self.group = [-1] * self.count  # that each sub-tile belongs to; -1 before its first flush
        self.draws = self.flushes = self.starved = self.blocked = self.early = 0
        self.square_ends = 0
        bench.process(self.run)

    async def run(self, ctx: Any) -> None:
        dut, rng = self.dut, self.bench.random
        answers: deque[tuple[int, str, int, int]] = deque()
        last: dict[int, int] = {}
        room, lanes_room = False, True
        ctx.set(dut.room, 1)
        cycle = 0
        while True:
            drawn, flushed = {"valid": 0, "place": 0, "done": 0}, {"valid": 0, "place": 0}
            for answer in [a for a in answers if a[0] == cycle]:
                answers.remove(answer)
                _, kind, place, done = answer
                if kind == "draw":
                    drawn = {"valid": 1, "place": place, "done": done}
                else:
                    flushed = {"valid": 1, "place": place}
            ctx.set(dut.drawn, drawn)
            ctx.set(dut.flushed, flushed)
            operation, splat, silent = ctx.get(dut.operation), ctx.get(dut.splat.opacity), ctx.get(dut.silent)
            assert not (operation.draw and operation.flush)
            if operation.draw or operation.flush:
                place = operation.place
                assert lanes_room, "an operation without room"
                assert cycle - last.get(place, -HAZARD) >= HAZARD, f"hazard on sub-tile {place} in cycle {cycle}"
                self.early += cycle - last.get(place, -HAZARD) == HAZARD
                last[place] = cycle
                if operation.draw:
                    answers.append((cycle + DRAW_LATENCY, "draw", place, self.drawn(place, splat, cycle)))
                else:
                    assert room or silent, "a flush without room"
                    answers.append((cycle + FLUSH_LATENCY, "flush", place, 0))
                    self.flush(place, silent)
            room = rng.random() < self.room
            ctx.set(dut.flush_room, room)
            lanes_room = self.room == 1 or rng.random() < 0.8
            ctx.set(dut.room, lanes_room)
            _, _, end, starved, blocked = await ctx.tick().sample(dut.square_end, dut.starved, dut.blocked)
            self.square_ends += end
            self.starved += starved
            self.blocked += blocked
            cycle += 1

    def drawn(self, place: int, splat: int, cycle: int) -> int:
        """Takes note of a draw; returns whether it makes the sub-tile opaque."""
        assert self.group[place] >= 0, "a draw before the first flush"
        assert self.splats[self.group[place]][splat]["mask"] >> place & 1, f"splat {splat} does not touch {place}"
        self.seen[place].append(splat)
        self.draws += 1
        if place in self.done:
            assert cycle < self.done[place] + DRAW_LATENCY + 3, f"sub-tile {place} is drawn on although it is opaque"
            return 1
        if self.bench.random.random() < self.opaque:
            self.done[place] = cycle
            return 1
        return 0

    def flush(self, place: int, silent: int) -> None:
        """A sub-tile's group is over: it has seen all of its splats, in order, or those until it was opaque."""
        group = self.group[place]
        assert silent == (group < 0)
        if group >= 0:
            every = [n for n, splat in enumerate(self.splats[group]) if splat["mask"] >> place & 1]
            seen = self.seen[place]
            if place in self.done:
                assert seen == every[: len(seen)]
            else:
                assert seen == every, f"group {group}, sub-tile {place}: {seen}, expected {every}"
            self.flushes += 1
        self.done.pop(place, None)
        self.seen[place] = []
        self.group[place] += 1


@pytest.mark.parametrize("window", [1, 2, 6])
@pytest.mark.parametrize(("put", "room", "opaque"), [(0, 1, 0), (0.5, 1, 0.02), (0, 0.2, 0.1), (0.1, 0.7, 0.4)])
def test_random_splats(window: int, put: float, room: float, opaque: float, seed: int) -> None:
    """Squares of narrow, wide and no splats at all: order, hazards, flushes and counts."""
    dut = Dispatcher(config=replace(tiny(), issue_window=window))
    bench = Bench(dut, seed=seed)
    rng = bench.random
    splats: list[list[Payload]] = []  # by square
    layout = TileSplatLayout(dut.config.spec, dut.config.places)
    inputs: list[Payload] = []
    for size in (0, 1, 40, 63, 0, 75, 50):
        near = rng.randrange(16)
        splats.append([])
        for n in range(size):
            few = 1 << near | 1 << rng.randrange(16)
            splats[-1].append({"opacity": n, "mask": rng.choice([0, few, few, few, rng.randrange(1 << 16), 0xFFFF])})
        drawn = [{"mask": s["mask"], "splat": {"opacity": s["opacity"]}} for s in splats[-1]]
        inputs += [whole(layout, p) for p in [*drawn, {"end": 1}]]
    lanes = Lanes(bench, splats, opaque=opaque, room=room)
    source = bench.source(dut.i, inputs, stall=put)
    tail: list[int] = []

    async def watch(ctx: Any) -> None:
        while True:
            _, _, busy = await ctx.tick().sample(dut.busy)
            tail[:] = [*tail[-20:], busy]

    bench.process(watch)
    bench.run(drain=500)
    assert lanes.group == [len(splats)] * 16
    assert lanes.flushes == 16 * len(splats)
    assert lanes.square_ends == len(splats)
    assert not any(tail)
    assert lanes.early > (10 if window > 1 else 2)  # a window of one splat is seldom so fast
    touches = sum(splat["mask"].bit_count() for group in splats for splat in group)
    assert lanes.draws == touches if opaque == 0 else 0 < lanes.draws < touches
    assert lanes.blocked > 0
    assert len(source.values) == len(inputs)
