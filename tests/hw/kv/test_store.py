"""Block store, log and bitmap writers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from golden.kv.block_store import block_store
from golden.kv.spec import TINY
from hw.kv.block_store import BlockStore
from hw.kv.config import Config, tiny
from hw.kv.log_writer import LogWriter
from hw.kv.select_writer import SelectWriter
from tests.hw.lib.bench import Bench


def small(**changes: int) -> Config:
    return replace(tiny(), spec=replace(TINY, near_blocks=16, **changes))


@pytest.mark.parametrize("stall", [0.0, 0.5])
@pytest.mark.parametrize("blocks", [32, 128])
def test_block_store(blocks: int, stall: float, seed: int) -> None:
    """Places, closings and refusals in program order; never more than eight closed blocks without a copy."""
    config = small(blocks=blocks)
    spec = config.spec
    clusters = torch.randint(12, (150,), generator=torch.Generator().manual_seed(seed)).tolist()
    founded: dict[int, int] = {}
    clusters = [founded.setdefault(c, len(founded)) for c in clusters]
    seen: set[int] = set()
    decisions, places, log = [], [], []
    store = block_store(torch.tensor(clusters), len(founded), spec)
    assert bool(store.refused) == (blocks == 32), "a full store is tried"
    fill = [0] * len(store.fill)
    tails = {c: iter(chain) for c, chain in enumerate(store.chains)}
    current: dict[int, int] = {}
    opened = 0
    for t, c in enumerate(clusters):
        new = int(c not in seen)
        seen.add(c)
        decisions.append({"hash": t, "cluster": c, "new": new, "spilled": 0})
        stored = t not in store.refused
        evict = 0
        if stored:
            b = current.get(c)
            if b is None or fill[b] == store.fill[b]:
                b = current[c] = next(tails[c])
                evict = int(opened >= spec.near_keep)
                opened += 1
            places.append({"cluster": c, "new": new, "stored": 1, "slot": b % 16, "position": fill[b], "evict": evict})
            if evict:
                places[-1]["closed"] = opened - 1 - spec.near_keep
            fill[b] += 1
        else:
            places.append({"cluster": c, "new": new, "stored": 0, "evict": 0})
        log.append({"hash": t, "cluster": c, "new": new, "spilled": 0, "refused": int(not stored), "spare": 0})
    dut = BlockStore(config=config)
    bench = Bench(dut, seed=seed)
    bench.source(dut.decisions, decisions, stall=stall)
    got = bench.sink(dut.places, len(places), stall=stall)
    bench.sink(dut.log, log, stall=stall)

    async def copy(ctx: Any) -> None:
        """Copies closed blocks, slowly."""
        done, waiting = 0, 0
        while True:
            closed = sum(p["evict"] for p in got.values)
            finishes = done < closed and bench.stall(0.05)
            ctx.set(dut.evicted, finishes)
            await ctx.tick()
            done += finishes
            waiting = max(waiting, closed - done)
            assert waiting <= 8

    bench.process(copy)
    bench.run()
    for place, wanted in zip(got.values, places, strict=True):
        assert {name: place[name] for name in wanted} == wanted


@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_log_writer(stall: float, seed: int) -> None:
    dut = LogWriter(memory_width=128)
    bench = Bench(dut, seed=seed)
    count = 11
    entries = [
        {"hash": t, "cluster": 2 * t, "new": t & 1, "spilled": 0, "refused": 0, "spare": 0} for t in range(count)
    ]
    values = [t | 2 * t << 48 | (t & 1) << 60 for t in range(count)] + [0]
    words = [
        {"address": 1024 + 8 * k, "data": values[k] | values[k + 1] << 64, "last": int(k == count - 1)}
        for k in range(0, count, 2)
    ]

    async def begin(ctx: Any) -> None:
        ctx.set(dut.header, {"token_count": count, "log_address": 1024})
        ctx.set(dut.begin, 1)
        await ctx.tick()
        ctx.set(dut.begin, 0)

    bench.process(begin)
    bench.source(dut.i, entries, stall=max(stall, 0.01))
    bench.sink(dut.memory.request, words, stall=stall)
    bench.run()


def test_select_writer(seed: int) -> None:
    config = replace(tiny(), spec=replace(TINY, clusters=256))
    dut = SelectWriter(config=config)
    bench = Bench(dut, seed=seed)
    heads = [[bench.random.getrandbits(1) for _ in range(count)] for count in (150, 128)]
    words = []
    for h, bits in enumerate(heads):
        for w in range(-(-len(bits) // 128)):
            data = sum(bit << k for k, bit in enumerate(bits[128 * w : 128 * w + 128]))
            words.append({"address": 4096 + 32 * h + 16 * w, "data": data, "last": int(128 * w + 128 >= len(bits))})

    async def drive(ctx: Any) -> None:
        ctx.set(dut.header, {"select_address": 4096})
        ctx.set(dut.begin, 1)
        await ctx.tick()
        ctx.set(dut.begin, 0)
        for bits in heads:
            for c, bit in enumerate(bits):
                ctx.set(dut.i.payload, {"cluster": c, "selected": bit, "last": c == len(bits) - 1})
                ctx.set(dut.i.valid, 1)
                await ctx.tick()
            ctx.set(dut.i.valid, 0)

    bench.process(drive)
    bench.sink(dut.memory.request, words, stall=0.3)
    bench.run()
