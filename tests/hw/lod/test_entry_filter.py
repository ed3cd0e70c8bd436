"""Entry filter: what has to be gone through, node by node, and where that begins."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from amaranth.hdl import Value
from amaranth.sim import Simulator

from hw.lib.fields import pack
from hw.lod.config import Config, default, tiny
from hw.lod.entry_filter import EntryFilter
from hw.lod.layouts import WordLayout
from tests.hw.lod.workload import Workload, workload

CONFIGS = {
    "tiny": tiny(),
    "default": default(),
    "widest": replace(default(), memory_width=1024),
    "narrow": replace(default(), memory_width=128),
}


def wanted(work: Workload, subtree: int, entered: int, before: int) -> tuple[int, int, int]:
    """(last, todo, first)."""
    tree = work.image.sltree
    last = int(tree.count[subtree]) - 1
    entry = tree.entry[subtree].tolist()
    todo = [k for k in range(last + 1) if (entered >> entry[k] | before >> k) & 1]
    return last, sum(1 << k for k in todo), min(todo, default=32)


def masks(rng: random.Random, work: Workload, subtree: int) -> tuple[int, int]:
    """Nodes of the parent that are expanded, and frontier nodes that were: many, few or none."""
    link = work.image.sltree.link[subtree].tolist()
    entered, before = (rng.getrandbits(32) & rng.getrandbits(32) for _ in range(2))
    before = sum(1 << k for k, v in enumerate(link) if v >= 0 and before >> k & 1)
    return entered * rng.randrange(2), before * rng.randrange(2)


@pytest.mark.parametrize("name", CONFIGS)
def test_every_node_that_is_entered_or_has_to_tell(name: str, seed: int) -> None:
    config: Config = CONFIGS[name]
    work, rng = workload(8.0, config), random.Random(seed)
    dut = EntryFilter(config=config)
    subtrees = [rng.randrange(len(work.image.sltree)) for _ in range(60)]
    visits = [masks(rng, work, s) for s in subtrees]
    got: list[tuple[int, int, int, int]] = []

    async def feed(ctx: Any) -> None:
        for k, (s, (entered, before)) in enumerate(zip(subtrees, visits, strict=True)):
            words = work.words(s)
            for row, word in enumerate(words):
                load = {
                    "visit": {"subtree": s, "entered": entered, "before": before, "turn": 0}, "ticket": 0, "unit": 0,
                    "context": k % config.contexts,
                }  # fmt: skip
                value = {"load": load, "row": row, "last": row == len(words) - 1, "data": word}
                ctx.set(Value.cast(dut.word), pack(WordLayout(config), value) << 1 | 1)
                await ctx.tick()
                ctx.set(dut.word.valid, 0)
                if rng.random() < 0.3:
                    await ctx.tick()
        await ctx.tick().repeat(3)

    async def watch(ctx: Any) -> None:
        o = dut.o
        async for _, _, valid, context, last, todo, first in ctx.tick().sample(
            o.valid, o.context, o.last, o.todo, o.first
        ):
            if valid:
                # What an empty place of the block looks like does not matter.
                used = (2 << last) - 1
                got.append((context, last, todo & used, first if first <= last else 32))

    simulator = Simulator(dut)
    simulator.add_clock(1e-9)
    simulator.add_testbench(feed)
    simulator.add_process(watch)
    simulator.run()
    assert got == [
        (k % config.contexts, *wanted(work, s, *visit))
        for k, (s, visit) in enumerate(zip(subtrees, visits, strict=True))
    ]
    assert any(first == 32 for *_, first in got)
    assert any(0 < first < 32 for *_, first in got)
