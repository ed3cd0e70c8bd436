"""Fetch and cache: every load gets its own words, in order, whatever shares a line."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hw.lod.config import tiny
from hw.lod.subtree_fetch import SubtreeFetch
from tests.hw.lib.bench import Bench
from tests.hw.lib.memory_model import MemoryModel, word_at

TREE = 1 << 16
LOADS = 120


@pytest.mark.parametrize("lines", [2, 4, 16])
@pytest.mark.parametrize(("latency", "stall", "pause"), [(1, 0.0, 0.0), (3, 0.3, 0.2), (30, 0.0, 0.0), (2, 0.8, 0.0)])
def test_every_load_gets_its_words(lines: int, latency: int, stall: float, pause: float, seed: int) -> None:
    config = replace(tiny(), cache_subtrees=lines)
    dut = SubtreeFetch(config=config)
    bench = Bench(dut, seed=seed)
    memory = MemoryModel(bench, dut.memory, latency=latency, stall=stall)
    # Few subtrees, so that they meet in the lines again and again, often back to back.
    subtrees = [bench.random.randrange(7) for _ in range(LOADS)]
    loads = [
        {
            "visit": {"subtree": s, "entered": k, "before": 0, "turn": k % 2}, "ticket": k % config.tickets, "unit": 0,
            "context": k % config.contexts,
        }
        for k, s in enumerate(subtrees)
    ]  # fmt: skip
    words: list[tuple[int, int, int]] = []
    looked_up = [0, 0]

    async def watch(ctx: Any) -> None:
        ctx.set(dut.tree_address, TREE)
        o = dut.o
        while True:
            _, _, valid, entered, row, word, hit, miss = await ctx.tick().sample(
                o.valid, o.load.visit.entered, o.row, o.data, dut.hit, dut.miss
            )
            looked_up[0] += hit
            looked_up[1] += miss
            if valid:
                words.append((entered, row, word))

    bench.process(watch)
    bench.source(dut.i, loads, stall=pause)
    bench.run(drain=2500)
    block = config.spec.block_bytes
    assert words == [
        (k, row, word_at(TREE + s * block + row * config.word_bytes))
        for k, s in enumerate(subtrees)
        for row in range(config.block_words)
    ]
    assert looked_up[0] + looked_up[1] == LOADS
    assert looked_up[1] == len(memory.bursts)
    assert looked_up[0] > (LOADS // 2 if lines == 16 else 0)


def test_forgets(seed: int) -> None:
    config = replace(tiny(), cache_subtrees=4)
    dut = SubtreeFetch(config=config)
    bench = Bench(dut, seed=seed)
    memory = MemoryModel(bench, dut.memory, latency=2)
    load = {"visit": {"subtree": 3, "entered": 0, "before": 0, "turn": 0}, "ticket": 0, "unit": 0, "context": 0}

    async def again(ctx: Any) -> None:
        for _ in range(60):
            await ctx.tick()
        ctx.set(dut.forget, 1)
        await ctx.tick()
        ctx.set(dut.forget, 0)

    bench.process(again)
    log = bench.source(dut.i, [load] * 4, stall=0.96)
    bench.run(drain=120)
    before = sum(cycle <= 61 for cycle in log.cycles)
    assert len(memory.bursts) == (before > 0) + (before < 4)
