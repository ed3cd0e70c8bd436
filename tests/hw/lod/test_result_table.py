"""Result table: equals the model's sums over a subtree's nodes, whatever contexts they come for and in which turn."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import torch
from amaranth.sim import Simulator

from golden.lod.spec import SLACK_BITS
from hw.lib.fields import unpack_nested
from hw.lod.config import tiny
from hw.lod.result_table import ResultTable
from tests.hw.lod.workload import Workload, result, workload

VISITS = 60


@dataclass
class Visit:
    """A subtree in a context: what is left to add, and the result."""

    shares: list[dict[str, Any]]
    expected: dict[str, int]
    reached: int
    turn: int


def make_visit(work: Workload, rng: random.Random, context: int) -> Visit:
    """Random decisions on a subtree's nodes, of which those that are reached come and others may."""
    subtree, turn = rng.randrange(len(work.image.sltree)), rng.randrange(2)
    these, width = torch.tensor([subtree]), work.model.width
    big, aside = (torch.tensor([[rng.random() < share for _ in range(width)]]) for share in (0.7, 0.3))
    slacks = torch.tensor([[rng.randrange(1 << rng.randrange(4, SLACK_BITS)) for _ in range(width)]])
    before = sum(1 << k for k in range(width) if work.model.link[subtree, k] >= 0 and rng.random() < 0.5)
    entered = torch.tensor([rng.choice([0, rng.getrandbits(32), (1 << 32) - 1])])
    inner = work.model.inner[these]
    alive = work.model.reached(these, inner & (~big | aside), entered)
    found = work.model.gather(these, alive, big, aside, slacks, torch.tensor([before]))
    shares: list[dict[str, Any]] = []
    for k in range(int(work.image.sltree.count[subtree])):
        frontier = bool(work.model.link[subtree, k] >= 0)
        if not alive[0, k] and not before >> k & 1 and rng.random() < 0.5:
            continue
        commit = {
            "context": context, "index": k, "alive": int(alive[0, k]), "inner": int(inner[0, k]),
            "big": int(big[0, k]), "aside": int(inner[0, k] & aside[0, k]), "was": before >> k & 1,
            "frontier": int(frontier), "link": int(work.model.link[subtree, k]) if frontier else 0, "turn": turn,
        }  # fmt: skip
        shares.append({"valid": 1, "commit": commit, "slack": int(slacks[0, k])})
    return Visit(shares=shares, expected=result(found, 0), reached=int(found.nodes[0]), turn=turn)


def test_equals_the_model(seed: int) -> None:
    work, rng = workload(8.0), random.Random(seed)
    config = tiny()
    dut = ResultTable(config=config)
    read: list[dict[str, int]] = []
    expected: list[dict[str, int]] = []
    counted, reached = [0, 0], [0, 0]
    tested = 0

    async def bench(ctx: Any) -> None:
        nonlocal tested
        visits: dict[int, Visit] = {}
        over: list[tuple[int, int]] = []  # context, cycles until its result can be read
        began = 0
        while began < VISITS or visits or over:
            ctx.set(dut.begin.valid, 0)
            ctx.set(dut.i.valid, 0)
            free = [k for k in range(config.contexts) if k not in visits and k not in [c for c, _ in over]]
            for context, wait in over:
                if not wait:
                    ctx.set(dut.place, context)
                    read.append(unpack_nested(int(ctx.get(dut.o.as_value())), dut.o.shape()))
                    expected.append(answers.pop(context))
            over = [(c, wait - 1) for c, wait in over if wait]
            open_ = [k for k, v in visits.items() if v.shares]
            if open_ and rng.random() < 0.9:
                ctx.set(dut.i, visits[rng.choice(open_)].shares.pop(0))
            for context in [k for k, v in visits.items() if not v.shares]:
                visit = visits.pop(context)
                answers[context] = visit.expected
                over.append((context, 2))
            if free and began < VISITS:
                context, began = rng.choice(free), began + 1
                ctx.set(dut.begin, {"valid": 1, "context": context})
                visits[context] = new = make_visit(work, rng, context)
                reached[new.turn] += new.reached
            _, _, share, turns = await ctx.tick().sample(dut.tested, dut.counted)
            tested += share
            for turn in range(2):
                counted[turn] += turns >> turn & 1

    answers: dict[int, dict[str, int]] = {}
    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert len(read) == VISITS
    assert read == expected
    assert counted == reached
    assert tested > sum(counted)
