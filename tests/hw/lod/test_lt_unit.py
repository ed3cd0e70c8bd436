"""LT unit: subtrees in, results out, whatever the pauses; a node a cycle while there is work."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from amaranth.hdl import Value

from golden.lod.spec import NEVER
from hw.lib.fields import pack
from hw.lod.config import default, tiny
from hw.lod.layouts import WordLayout
from hw.lod.lt_unit import LtUnit
from tests.hw.lib.bench import Bench
from tests.hw.lod.workload import Workload, workload


class Feeder:
    """Takes free contexts and loads a subtree into each."""

    def __init__(self, bench: Bench, dut: LtUnit, work: Workload, subtrees: list[int], before: list[int], stall: float):
        self.bench, self.dut, self.work = bench, dut, work
        self.subtrees, self.before, self.stall = subtrees, before, stall
        self.counted = self.tested = self.working = self.queued = self.prompt = 0
        bench.process(self.feed)
        bench.process(self.watch)

    async def feed(self, ctx: Any) -> None:
        dut, work = self.dut, self.work
        other = work.threshold() | {"factor": 1 << 16}  # of the view of turn 0, of which no subtree comes
        ctx.set(dut.view, [other, work.threshold()])
        ctx.set(dut.planes, work.view.planes.tolist())
        layout = WordLayout(work.config)
        for ticket, (subtree, before) in enumerate(zip(self.subtrees, self.before, strict=True)):
            ctx.set(dut.free.ready, 1)
            taken = False
            while not taken:
                _, _, taken, context = await ctx.tick().sample(dut.free.valid, dut.free.payload)
            ctx.set(dut.free.ready, 0)
            entered = int(work.found.state.entered[subtree])
            words = work.words(subtree)
            for row, word in enumerate(words):
                while self.bench.stall(self.stall):
                    ctx.set(dut.word.valid, 0)
                    await ctx.tick()
                value = {
                    "load": {
                        "visit": {"subtree": subtree, "entered": entered, "before": before, "turn": 1},
                        "ticket": ticket % work.config.tickets, "unit": 0, "context": context,
                    },
                    "row": row, "last": row == len(words) - 1, "data": word,
                }  # fmt: skip
                ctx.set(Value.cast(dut.word), pack(layout, value) << 1 | 1)
                await ctx.tick()
            ctx.set(dut.word.valid, 0)

    async def watch(self, ctx: Any) -> None:
        dut = self.dut
        while True:
            _, _, counted, tested, working, queued, prompt = await ctx.tick().sample(
                dut.counted, dut.tested, dut.working, dut.queued, dut.prompt
            )
            self.counted += counted >> 1
            assert not counted & 1
            self.tested += tested
            self.working += working
            self.queued += queued
            self.prompt += prompt


def run(work: Workload, *, stall_in: float, stall_out: float, seed: int, limit: int, before: bool) -> Feeder:
    config = work.config
    subtrees = work.found.subtrees.tolist()[:limit]
    dut = LtUnit(config=config)
    bench = Bench(dut, seed=seed)
    # What was expanded at the last visit: any frontier nodes.
    link = work.image.sltree.link
    old = [sum(1 << k for k in range(link.shape[1]) if link[s, k] >= 0 and bench.stall(0.5)) * before for s in subtrees]
    feeder = Feeder(bench, dut, work, subtrees, old, stall_in)
    log = bench.sink(dut.o, len(subtrees), stall=stall_out)
    bench.run()
    expected = {
        ticket % config.tickets: work.finished(subtree, ticket % config.tickets, old[ticket])
        for ticket, subtree in enumerate(subtrees)
    }
    assert len(subtrees) <= config.tickets
    for got in log.values:
        assert got == expected[got["ticket"]]
    assert sorted(v["ticket"] for v in log.values) == sorted(expected)
    if not before:  # a node that no decision is missing for is reached
        assert feeder.queued == feeder.prompt > 0
    # A slack of zero nodes is not an accident of this tree: some decision was made.
    assert feeder.counted == sum(alive(work, s) for s in subtrees)
    return feeder


def alive(work: Workload, subtree: int) -> int:
    """Nodes of a subtree that are reached in this view."""
    these = work.found.subtrees.new_tensor([subtree])
    big, outside, _ = work.model.decide(work.view, these)
    stop = work.model.inner[these] & (~big | outside)
    return int(work.model._alive(these, stop, work.found.state.entered[these]).sum())


@pytest.mark.parametrize("tau", [3.0, 12.0, 40.0])
@pytest.mark.parametrize(("stall_in", "stall_out"), [(0.0, 0.0), (0.6, 0.0), (0.2, 0.9)])
def test_results(tau: float, stall_in: float, stall_out: float, seed: int) -> None:
    config = replace(tiny(), contexts=4, units=2)
    run(workload(tau, config), stall_in=stall_in, stall_out=stall_out, seed=seed, limit=14, before=False)


@pytest.mark.parametrize("tau", [3.0, 12.0, 40.0])
def test_changes_reach_the_children_that_were_called_before(tau: float, seed: int) -> None:
    config = replace(tiny(), contexts=4, units=2)
    run(workload(tau, config), stall_in=0.3, stall_out=0.3, seed=seed, limit=14, before=True)


@pytest.mark.parametrize("before", [False, True])
def test_subtrees_of_full_size(before: bool, seed: int) -> None:
    """Enough of them that the issue waits for decisions, and jumps unless a child has to be told."""
    config = replace(default(), units=1, contexts=16)
    run(workload(30.0, config), stall_in=0.0, stall_out=0.2, seed=seed, limit=24, before=before)


@pytest.mark.parametrize("before", [False, True])
def test_subtrees_that_nothing_enters_any_more(before: bool, seed: int) -> None:
    """Every other subtree has lost its last entry: no node of it is tested, but its children are told."""
    config = replace(tiny(), contexts=4, units=2)
    work = workload(12.0, config)
    old = work.found.state
    every = torch.arange(len(old.cut)) % 2
    state = replace(
        old, entered=old.entered * every, cut=old.cut * every, expanded=old.expanded * every,
        deadline=torch.where(every > 0, old.deadline, NEVER),
    )  # fmt: skip
    work = replace(work, found=replace(work.found, state=state))
    feeder = run(work, stall_in=0.2, stall_out=0.3, seed=seed, limit=14, before=before)
    if not before:
        assert feeder.tested < 1.3 * feeder.counted


def test_without_slack(seed: int) -> None:
    config = replace(tiny(), contexts=4, units=2, temporal=0)
    work = workload(12.0, config)
    subtrees = work.found.subtrees.tolist()[:10]
    dut = LtUnit(config=config)
    bench = Bench(dut, seed=seed)
    Feeder(bench, dut, work, subtrees, [0] * 10, 0.2)
    log = bench.sink(dut.o, 10, stall=0.3)
    bench.run()
    for got in log.values:
        wanted = work.finished(subtrees[got["ticket"]], got["ticket"], 0)
        assert got["result"]["cut"] == wanted["result"]["cut"]
        assert got["result"]["children"] == wanted["result"]["children"]


def test_a_node_a_cycle(seed: int) -> None:
    """With enough subtrees at hand the unit tests at least nine nodes in ten cycles, and few in vain."""
    config = replace(tiny(), contexts=16, memory_width=512, fetch_words=16)
    feeder = run(workload(8.0, config), stall_in=0.0, stall_out=0.0, seed=seed, limit=32, before=False)
    assert feeder.tested <= 1.25 * feeder.counted
    assert feeder.tested >= 0.7 * feeder.working  # with the way in and the way out of 32 subtrees
