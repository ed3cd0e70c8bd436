"""Ranks, buckets and the bits of vision-sink bucketing against the model."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from golden.kv.memory_map import SINK_SCORE_BITS
from golden.kv.spec import TINY
from golden.kv.vision_sink import SinkOptions, build_sink_image, vision_sink
from hw.kv.bucket_best import BucketBest
from hw.kv.config import tiny
from hw.kv.rank_select import DIGITS, RankSelect
from hw.kv.vision_sink import VisionSink
from tests.hw.kv.workload import header_fields
from tests.hw.lib.bench import Bench, ticks


def some_codes(count: int, seed: int, *, values: int = 1 << 15) -> Tensor:
    """Scores' codes; few `values` make many ties."""
    return torch.randint(values, (count,), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("rank", [0, 1, 17, 60, 61, 99])
@pytest.mark.parametrize("values", [5, 1 << SINK_SCORE_BITS])
def test_rank_select(rank: int, values: int, seed: int) -> None:
    codes = some_codes(60, seed, values=values).tolist()
    dut = RankSelect(spec=TINY)
    bench = Bench(dut)

    async def sweep(ctx: Any) -> None:
        ctx.set(dut.rank, rank)
        ctx.set(dut.begin, 1)
        await ctx.tick()
        ctx.set(dut.begin, 0)
        for _ in range(DIGITS):
            for code in codes:
                ctx.set(dut.valid, 1)
                ctx.set(dut.score, code)
                await ctx.tick()
            ctx.set(dut.valid, 0)
            await ticks(ctx, 2)
            ctx.set(dut.turn, 1)
            await ctx.tick()
            ctx.set(dut.turn, 0)
            await ticks(ctx, 3)
        threshold, ties = ctx.get(dut.threshold), ctx.get(dut.ties)
        first = [k for k, code in enumerate(codes) if code == threshold][:ties]
        taken = sorted([k for k, code in enumerate(codes) if code > threshold] + first)
        assert taken == sorted(sorted(range(60), key=lambda k: (-codes[k], k))[:rank])

    bench.process(sweep)
    bench.run()


@pytest.mark.parametrize(
    ("length", "values", "options"),
    [
        (100, 1 << 15, SinkOptions(budget=40)),
        (100, 4, SinkOptions(budget=40, unconditional=15)),
        (101, 9, SinkOptions(budget=36, capacity=4, unconditional=36)),
        (64, 1 << 15, SinkOptions(budget=60, capacity=3, unconditional=20)),
        (33, 7, SinkOptions(budget=33)),
        (1, 7, SinkOptions(budget=1)),
        (90, 3, SinkOptions(budget=2, capacity=2, unconditional=1)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("stall", [0.0, 0.3])
def test_vision_sink(length: int, values: int, options: SinkOptions, stall: float, seed: int) -> None:
    codes = some_codes(length, seed, values=values)
    dut = VisionSink(config=tiny())
    bench = Bench(dut, seed=seed)
    keep = vision_sink(codes, options).tolist()

    async def begin(ctx: Any) -> None:
        ctx.set(dut.header, header_fields(build_sink_image(codes, TINY, options)))
        ctx.set(dut.go, 1)
        await ctx.tick()
        ctx.set(dut.go, 0)
        while True:
            ctx.set(dut.room, not bench.stall(stall))
            await ctx.tick()

    bench.process(begin)
    bench.source(dut.i, codes.tolist(), stall=stall)
    sink = bench.sink(
        dut.o,
        [{"cluster": 0, "selected": int(kept), "last": int(k == length - 1)} for k, kept in enumerate(keep)],
    )
    bench.run()
    if not stall:
        assert sink.cycles[-1] <= (2 * DIGITS + 3) * length + 10 * (2 * DIGITS + 2) + 8


def test_best_of_a_bucket_are_marked_in_the_next(seed: int) -> None:
    """The list of a bucket of four leaves while the next, of four too, is read."""
    codes = some_codes(16, seed)
    dut = BucketBest(spec=TINY)
    bench = Bench(dut)
    places: list[int] = []

    async def feed(ctx: Any) -> None:
        ctx.set(dut.capacity, 4)
        for k, code in enumerate(codes.tolist()):
            ctx.set(dut.valid, 1)
            ctx.set(dut.place, k)
            ctx.set(dut.score, code)
            ctx.set(dut.ends, k % 4 == 3)
            await ctx.tick()
        ctx.set(dut.valid, 0)
        await ticks(ctx, 6)
        assert [sorted(places[k : k + 4]) for k in range(0, 16, 4)] == [list(range(k, k + 4)) for k in range(0, 16, 4)]
        assert places[0] == int(codes[:4].argmax())

    async def watch(ctx: Any) -> None:
        while True:
            _, _, valid, place = await ctx.tick().sample(dut.best.valid, dut.best.place)
            if valid:
                places.append(place)

    bench.process(watch)
    bench.process(feed)
    bench.run()
