"""Decisions: a node counts exactly if the model reaches it, and each decision leads on to the right node."""

from __future__ import annotations

import random
from typing import Any

import torch
from amaranth.hdl import Value
from amaranth.sim import Simulator

from golden.lod.traversal import jumps, nodes_to_visit
from hw.lib.fields import pack, unpack_nested
from hw.lod.config import tiny
from hw.lod.decisions import Decisions
from tests.hw.lod.workload import Workload, workload

VISITS = 80
PASSED_ON = ("context", "index", "inner", "big", "was", "frontier", "link", "turn")


def decisions_of(work: Workload, rng: random.Random, context: int) -> list[tuple[dict[str, int], bool]]:
    """Decisions on some of a subtree's nodes, in order, and whether each node is reached.

    As in the engine, a node that is reached is never left out; of the others some come in vain.
    """
    tree, model = work.image.sltree, work.model
    subtree, turn = rng.randrange(len(tree)), rng.randrange(2)
    these, count = torch.tensor([subtree]), int(tree.count[subtree])
    big, outside = (torch.tensor([[rng.random() < share for _ in range(model.width)]]) for share in (0.7, 0.2))
    entered, before = (rng.getrandbits(32) | rng.getrandbits(32) for _ in range(2))
    inner = model.inner[these]
    alive = model.reached(these, inner & (~big | outside), torch.tensor([entered]))
    entry = tree.entry[subtree].tolist()[:count]
    todo = nodes_to_visit(entry, entered, 0)
    rows: list[tuple[dict[str, int], bool]] = []
    for k in range(count):
        if not alive[0, k] and rng.random() < 0.5:
            continue
        frontier = bool(tree.link[subtree, k] >= 0)
        behind = k + 1 + int(tree.skip[subtree, k])
        after, past = jumps(todo, before, k, behind)
        row = {
            "context": context, "index": k, "target": behind, "inner": int(inner[0, k]), "big": int(big[0, k]),
            "after": after, "past": past, "shut": 1 - (entered >> entry[k] & 1), "outside": int(outside[0, k]),
            "was": before >> k & 1, "frontier": int(frontier), "link": int(tree.link[subtree, k]) if frontier else 0,
            "turn": turn, "left": rng.getrandbits(42), "right": rng.getrandbits(42), "zeros": rng.randrange(25),
        }  # fmt: skip
        rows.append((row, bool(alive[0, k])))
    return rows


def test_equals_the_model(seed: int) -> None:
    work, rng, config = workload(8.0), random.Random(seed), tiny()
    dut = Decisions(config=config)
    shape = dut.i.shape()["decision"].shape
    seen = {True: 0, False: 0}

    async def bench(ctx: Any) -> None:
        waiting: dict[int, list[tuple[dict[str, int], bool]]] = {}
        began = 0
        while began < VISITS or any(waiting.values()):
            free = [k for k in range(config.contexts) if not waiting.get(k)]
            begins = bool(free) and began < VISITS and rng.random() < 0.5
            context = rng.choice(free) if begins else 0
            ctx.set(dut.begin, {"valid": begins, "context": context})
            open_ = [k for k, rows in waiting.items() if rows]
            chosen = waiting[rng.choice(open_)].pop(0) if open_ and rng.random() < 0.9 else None
            noise = rng.getrandbits(shape.size)
            ctx.set(Value.cast(dut.i), pack(shape, chosen[0]) << 1 | 1 if chosen else noise << 1)
            if begins:
                waiting[context], began = decisions_of(work, rng, context), began + 1
            await ctx.tick()
            assert ctx.get(dut.jump.valid) == ctx.get(dut.o.valid) == (chosen is not None)
            if chosen:
                row, alive = chosen
                seen[alive] += 1
                check(ctx, row, alive)

    def check(ctx: Any, row: dict[str, int], alive: bool) -> None:
        expanded = not row["inner"] or (row["big"] and not row["outside"])
        assert ctx.get(dut.jump.context) == row["context"]
        assert ctx.get(dut.jump.target) == (row["after"] if alive and expanded else row["past"])
        share = unpack_nested(ctx.get(dut.o.share.as_value()), dut.o.share.shape())
        commit = {name: row[name] for name in PASSED_ON}
        commit |= {"alive": int(alive), "aside": int(row["inner"] and row["outside"])}
        assert share == {"commit": commit, **{name: row[name] for name in ("left", "right", "zeros")}}

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert min(seen.values()) > VISITS
