"""Hash lane, hash unit and HCU against the model, with and without stalls, and at their stated pace."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from golden.kv.hash_unit import hash_unit, plane_signs, project
from golden.kv.hcu import hcu, pages
from golden.kv.memory_map import MODE_PAGES
from golden.kv.spec import TINY, Spec
from hw.kv.config import tiny
from hw.kv.hash_lane import HashLane
from hw.kv.hash_unit import HashUnit
from hw.kv.hcu import HashClusteringUnit
from tests.golden.kv.streams import hashes_near
from tests.hw.kv.workload import finish, set_header
from tests.hw.lib.bench import Bench, ticks


@pytest.mark.parametrize("spec", [TINY, replace(TINY, heads=1, head_size=128, lanes=32)])
def test_hash_lane(spec: Spec, seed: int) -> None:
    """One plane's bit, 4 cycles behind each token's last chunk, on both sides of the offset and at it."""
    g = torch.Generator().manual_seed(seed)
    plane = 5
    keys = torch.randint(-127, 128, (60, spec.heads, spec.head_size), generator=g)
    totals = project(keys, spec)[:, plane]
    offset = int(totals.median())  # one of them, which is not above itself
    signs = (plane_signs(spec)[:, plane] > 0).reshape(spec.token_words, spec.lanes)
    sign_words = [sum(int(sign) << k for k, sign in enumerate(chunk)) for chunk in signs]
    dut = HashLane(spec=spec)
    bench = Bench(dut, seed=seed)
    bits: dict[int, int] = {}  # by cycle
    due: list[int] = []

    async def feed(ctx: Any) -> None:
        ctx.set(dut.offset, offset)
        for key in keys.reshape(60, spec.token_words, spec.lanes).tolist():
            for k, chunk in enumerate(key):
                while bench.stall(0.2):
                    ctx.set(dut.valid, 0)
                    ctx.set(dut.first, bench.stall(0.5))
                    await ctx.tick()
                for port, value in ((dut.keys, chunk), (dut.signs, sign_words[k]), (dut.valid, 1), (dut.first, k == 0)):
                    ctx.set(port, value)
                await ctx.tick()
            due.append(ctx.get(bench.cycle) + HashLane.latency - 1)
        ctx.set(dut.valid, 0)
        await ticks(ctx, HashLane.latency + 1)

    async def watch(ctx: Any) -> None:
        while True:
            bits[ctx.get(bench.cycle)] = ctx.get(dut.bit)
            await ctx.tick()

    finish(bench, feed)
    bench.process(watch)
    bench.run()
    assert [bits[cycle] for cycle in due] == (totals > offset).long().tolist()


@pytest.mark.parametrize(("hash_bits", "stall"), [(32, 0.0), (32, 0.4), (48, 0.2)])
def test_hash_unit(hash_bits: int, stall: float, seed: int) -> None:
    spec = replace(TINY, hash_bits=hash_bits)
    torch.manual_seed(seed)
    tokens = 40
    keys = torch.randint(-127, 128, (tokens, spec.heads, spec.head_size))
    offsets = torch.randint(-300, 300, (spec.hash_bits,))
    dut = HashUnit(spec=spec)
    bench = Bench(dut, seed=seed)
    bench.process(set_header(dut.header, {f"offset_{k}": v for k, v in enumerate(offsets.tolist())}))
    chunks = [{"key": chunk, "value": [0] * spec.lanes} for chunk in keys.reshape(-1, spec.lanes).tolist()]
    source = bench.source(dut.i, chunks, stall=stall)
    sink = bench.sink(dut.o, hash_unit(keys, offsets, spec).tolist(), stall=stall)
    bench.run()
    if not stall:
        assert sink.cycles[0] - source.cycles[spec.token_words - 1] == 8
        assert sink.cycles == list(range(sink.cycles[0], sink.cycles[0] + tokens * spec.token_words, spec.token_words))


@pytest.mark.parametrize("stall", [0.0, 0.4])
@pytest.mark.parametrize(("hash_bits", "threshold", "mode"), [(32, 7, 0), (48, 9, 0), (32, 2, 0), (32, 7, MODE_PAGES)])
def test_hcu(hash_bits: int, threshold: int, mode: int, stall: float, seed: int) -> None:
    spec = replace(TINY, hash_bits=hash_bits)
    config = replace(tiny(), spec=spec)
    count = 120
    hashes = hashes_near(spec, count, seed=seed, anchors=16)
    expected = pages(hashes, spec) if mode else hcu(hashes, spec, threshold=threshold)
    assert expected.count == spec.clusters or threshold != 2, "the full table is tried"
    dut = HashClusteringUnit(config=config)
    bench = Bench(dut, seed=seed)
    bench.process(set_header(dut.header, {"hamming_threshold": threshold, "mode": mode}))
    comparisons: list[int] = []

    async def watch(ctx: Any) -> None:
        while True:
            _, _, now = await ctx.tick().sample(dut.comparing)
            comparisons.append(now)

    bench.process(watch)
    bench.source(dut.i, hashes.tolist(), stall=stall)
    columns = zip(hashes, expected.cluster, expected.new, expected.spilled, strict=True)
    bench.sink(
        dut.o,
        [{"hash": int(h), "cluster": int(c), "new": int(n), "spilled": int(s)} for h, c, n, s in columns],
        stall=stall,
    )
    bench.run()
    assert sum(comparisons) == expected.comparisons
    assert max(comparisons) <= config.compare_width


def test_hcu_overlaps_tokens() -> None:
    """With a full table a token takes ceil(clusters / W) cycles: the decision of one hides behind the next."""
    config = tiny()
    depth = TINY.clusters // config.compare_width
    hashes = [(k * 0x01010101 * 37) & 0xFFFFFFFF for k in range(TINY.clusters)] + [0] * 40
    dut = HashClusteringUnit(config=config)
    bench = Bench(dut)
    bench.process(set_header(dut.header, {"hamming_threshold": 1}))
    bench.source(dut.i, hashes)
    sink = bench.sink(dut.o, len(hashes))
    bench.run()
    steps = {b - a for a, b in zip(sink.cycles[-30:], sink.cycles[-29:], strict=False)}
    assert steps == {depth}
