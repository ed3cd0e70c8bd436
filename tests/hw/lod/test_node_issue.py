"""Node issue: every node that has to be gone through is asked for, once, and its context ends when all are decided."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from hw.lod.config import tiny
from hw.lod.node_issue import NodeIssue
from tests.hw.lib.bench import Bench

SUBTREES = 40


@dataclass
class Subtree:
    """The nodes of a subtree, and where each one's decision leads."""

    first: int
    last: int
    target: list[int]
    asked: list[int] = field(default_factory=list)
    undecided: deque[int] = field(default_factory=deque)
    place: int = 0  # no node before it is to be asked for any more

    def __post_init__(self) -> None:
        self.place = self.first

    def needed(self) -> list[int]:
        """The nodes on the way from the first one, decision by decision."""
        way, place = [], self.first
        while place <= self.last:
            way.append(place)
            place = self.target[place]
        return way


class Unit:
    """Fills the contexts in a ring, and decides each node some cycles after it was asked for."""

    def __init__(self, bench: Bench, dut: NodeIssue, *, latency: int, pause: float, longest: int) -> None:
        self.bench, self.dut, self.latency, self.pause, self.longest = bench, dut, latency, pause, longest
        self.contexts: list[Subtree | None] = [None] * dut.config.contexts
        self.done: list[Subtree] = []
        self.pipeline: deque[tuple[int, int] | None] = deque([None] * latency)
        self.order: deque[int] = deque()  # contexts, the one that began longest ago first
        self.began = self.cycles = self.fresh = self.early = 0
        bench.process(self.run)

    def subtree(self) -> Subtree:
        """Most decisions lead to the next node, others as far as those around them at the most.

        Some subtrees have nothing to go through.
        """
        rng = self.bench.random
        last, target = rng.randrange(self.longest), list[int]()
        for k in range(last + 1):
            furthest = min((t for t in target if t > k), default=32)
            target.append(k + 1 if rng.random() < 0.6 else rng.randrange(k + 1, furthest + 1))
        first = rng.choice([0, rng.randrange(last + 1), 32])
        return Subtree(first=first, last=last, target=target)

    async def run(self, ctx: Any) -> None:
        dut, following = self.dut, 0
        while len(self.done) < SUBTREES:
            begins = self.began < SUBTREES and self.contexts[following] is None and not self.bench.stall(self.pause)
            ctx.set(dut.begin.valid, 0)
            if begins:
                new = self.subtree()
                entrance = {"valid": 1, "context": following, "last": new.last, "todo": 0, "first": new.first}
                ctx.set(dut.begin, entrance)
            decided = self.decide(ctx)
            finished = self.end(ctx, ctx.get(dut.finished))
            queued = ctx.get(dut.queued)
            assert ctx.get(dut.working) == any(self.left(k) for k in range(len(self.contexts)))
            assert bool(queued) == any(self.fresh_node(k) for k in range(len(self.contexts)))
            await ctx.tick()
            self.choose(ctx, queued)
            if decided is not None:
                context, index = decided
                subtree = self.contexts[context]
                assert subtree is not None
                assert subtree.undecided.popleft() == index
                subtree.place = max(subtree.place, subtree.target[index])
            if finished is not None:
                self.contexts[finished] = None
                self.order.remove(finished)
            if begins:
                self.contexts[following], self.began = new, self.began + 1
                self.order.append(following)
                following = (following + 1) % len(self.contexts)
            self.cycles += 1

    def left(self, context: int) -> bool:
        """The context has a node to ask for or without a decision."""
        subtree = self.contexts[context]
        return subtree is not None and (subtree.place <= subtree.last or bool(subtree.undecided))

    def fresh_node(self, context: int) -> bool:
        """It has a node to ask for, and all before are decided."""
        subtree = self.contexts[context]
        return subtree is not None and subtree.place <= subtree.last and not subtree.undecided

    def decide(self, ctx: Any) -> tuple[int, int] | None:
        """The node that was asked for `latency` cycles ago."""
        decided = self.pipeline.popleft()
        ctx.set(self.dut.jump.valid, decided is not None)
        if decided is not None:
            context, index = decided
            subtree = self.contexts[context]
            assert subtree is not None
            ctx.set(self.dut.jump.context, context)
            ctx.set(self.dut.jump.target, subtree.target[index])
        return decided

    def end(self, ctx: Any, finished: int) -> int | None:
        """Takes one of the finished contexts, sooner or later."""
        wanted = [k for k, s in enumerate(self.contexts) if s is not None and not self.left(k)]
        assert finished == sum(1 << k for k in wanted)
        chosen = self.bench.random.choice(wanted) if wanted and not self.bench.stall(self.pause) else None
        ctx.set(self.dut.end.valid, chosen is not None)
        if chosen is not None:
            ctx.set(self.dut.end.context, chosen)
            subtree = self.contexts[chosen]
            assert subtree is not None
            assert set(subtree.needed()) <= set(subtree.asked)
            self.done.append(subtree)
        return chosen

    def choose(self, ctx: Any, queued: int) -> None:
        """The node that was chosen in the cycle before, and is asked for now."""
        dut = self.dut
        waiting = [k for k in self.order if self.left(k) and self.contexts[k].place <= self.contexts[k].last]
        assert ctx.get(dut.ask.valid) == bool(waiting)
        if not waiting:
            self.pipeline.append(None)
            return
        context, index = ctx.get(dut.ask.context), ctx.get(dut.ask.index)
        fresh = [k for k in waiting if self.fresh_node(k)]
        assert bool(queued) == bool(fresh)
        assert context == (fresh or waiting)[0]
        subtree = self.contexts[context]
        assert subtree is not None
        assert index == subtree.place
        subtree.asked.append(index)
        subtree.undecided.append(index)
        subtree.place = index + 1
        self.fresh += bool(fresh)
        self.early += not fresh
        self.pipeline.append((context, index))


@pytest.mark.parametrize(("latency", "pause", "longest"), [(3, 0.0, 32), (16, 0.0, 32), (16, 0.7, 8), (1, 0.95, 32)])
def test_nodes_are_asked_for_in_order(latency: int, pause: float, longest: int, seed: int) -> None:
    """The oldest context without an undecided node comes first; if there is none, the oldest goes on untold."""
    dut = NodeIssue(config=replace(tiny(), contexts=4))
    bench = Bench(dut, seed=seed)
    unit = Unit(bench, dut, latency=latency, pause=pause, longest=longest)
    bench.run(drain=SUBTREES * 32 * (latency + 4))
    assert len(unit.done) == SUBTREES
    assert unit.fresh
    assert unit.early
