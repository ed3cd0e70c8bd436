"""Bucket memory and a lane of the WTU against the model."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
import torch
from amaranth.sim import Simulator

from golden.kv.spec import DEFAULT, THRESHOLD_FRACTION, TINY, Spec
from golden.kv.wtu import bucket, weights, wtu
from hw.kv.bucket_memory import BucketMemory
from hw.kv.wtu_lane import WtuLane


def simulate(dut: Any, bench: Any) -> None:
    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


def test_bucket_memory_adds_at_once(seed: int) -> None:
    """The same bucket in successive cycles, one and two apart, and after a clear."""
    rng = random.Random(seed)
    dut = BucketMemory(spec=TINY)

    async def bench(ctx: Any) -> None:
        for _ in range(3):
            ctx.set(dut.clear, 1)
            await ctx.tick()
            ctx.set(dut.clear, 0)
            sums = [[0, 0, 0] for _ in range(TINY.buckets)]
            for _ in range(TINY.clusters):
                valid = rng.random() < 0.8
                place, weight, count = rng.randrange(4), rng.randint(-10_000, 10_000), rng.randint(1, 8)
                ctx.set(dut.add, {"valid": valid, "bucket": place, "weight": weight, "count": count})
                if valid:
                    sums[place] = [a + b for a, b in zip(sums[place], (weight, count, 1), strict=True)]
                await ctx.tick()
            ctx.set(dut.add.valid, 0)
            for _ in range(3):
                await ctx.tick()
            for place in range(6):
                ctx.set(dut.read, place)
                await ctx.tick()
                await ctx.tick()
                got = ctx.get(dut.o)
                assert [got.weight, got["count"], got.members] == sums[place], f"bucket {place}"

    simulate(dut, bench)


def boundary(scores: torch.Tensor, counts: torch.Tensor, count_mode: bool, g: torch.Generator) -> list[int]:
    """Two neighbouring codes: with the first a run of best scores exceeds the threshold, with the second it does not.

    Weights that are wrong by a thousandth of the total move one of the two selections.
    """
    falling = weights(scores, counts, count_mode=count_mode)[0][scores[0].argsort(descending=True)].cumsum(0)
    run, total = int(falling[int(torch.randint(1, 6, (1,), generator=g))]), int(falling[-1])
    code = (run << THRESHOLD_FRACTION) // total
    return [code, code + 1]


@pytest.mark.parametrize("spec", [TINY, replace(DEFAULT, clusters=64)])
def test_lane(spec: Spec, seed: int) -> None:
    """Random rows, rows of equal scores, thresholds on the boundary, both modes, and a row without a query."""
    g = torch.Generator().manual_seed(seed)
    dut = WtuLane(spec=spec)
    top = 1 << (spec.score_bits - 1)
    cases: list[tuple[torch.Tensor, torch.Tensor, int, int, bool]] = []
    for k in range(12):
        count = int(torch.randint(1, 31, (1,), generator=g))
        spread = top if k % 3 else 300
        scores = torch.randint(-spread + 1, spread, (1, count), generator=g)
        if k == 5:
            scores = torch.full((1, count), -77)
        counts = torch.randint(1, 9, (count,), generator=g)
        shift = int(torch.randint(3, 14, (1,), generator=g))
        cases.append((scores, counts, shift, int(torch.randint(1, 1024, (1,), generator=g)), k % 4 == 3))
    for count_mode in [False, True] * 8:
        scores, counts = torch.randint(-top, top, (1, 20), generator=g), torch.randint(1, 9, (20,), generator=g)
        shift = spec.score_bits - spec.buckets.bit_length() + 1
        cases += [(scores, counts, shift, code, count_mode) for code in boundary(scores, counts, count_mode, g)]

    async def bench(ctx: Any) -> None:
        for scores, counts, shift, code, count_mode in cases:
            ctx.set(dut.begin, 1)
            await ctx.tick()
            for signal, value in (
                (dut.begin, 0), (dut.shift, shift), (dut.code, code), (dut.count_mode, count_mode), (dut.active, 1),
            ):  # fmt: skip
                ctx.set(signal, value)
            buckets: list[int] = []
            for step in range(len(counts) + 8):
                if step >= 3:
                    buckets.append(ctx.get(dut.bucket))
                ctx.set(dut.valid, step < len(counts))
                if step < len(counts):
                    ctx.set(dut.score, int(scores[0, step]))
                    ctx.set(dut.count, int(counts[step]))
                await ctx.tick()
            expected = wtu(scores, counts, torch.tensor([shift]), code, spec, count_mode=count_mode)
            assert buckets[: len(counts)] == bucket(scores, torch.tensor([shift]), spec)[0].tolist()
            ctx.set(dut.walk, 1)
            await ctx.tick()
            ctx.set(dut.walk, 0)
            cycles = 0
            while ctx.get(dut.busy):
                await ctx.tick()
                cycles += 1
            got = (ctx.get(dut.lowest), ctx.get(dut.opened), ctx.get(dut.visited))
            assert got == (int(expected.threshold_bucket[0]), int(expected.opened[0]), int(expected.visited[0]))
            assert cycles == 21 + got[1]
        ctx.set(dut.active, 0)
        ctx.set(dut.walk, 1)
        await ctx.tick()
        assert not ctx.get(dut.busy)

    simulate(dut, bench)
