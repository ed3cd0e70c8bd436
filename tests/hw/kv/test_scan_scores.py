"""From bit planes to joined scores: lanes, references, whole words."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from golden.kv.scan import ScanOptions
from golden.kv.scan_image import plane_words
from golden.kv.scan_scores import middle, partial_scores
from golden.kv.spec import Spec
from hw.kv.plane_scores import PlaneScores
from hw.kv.row_maximum import RowMaximum
from hw.kv.scan_lane import ScanLane
from tests.hw.kv.scans import ODD, SMALL, ScanWork
from tests.hw.kv.workload import finish
from tests.hw.lib.bench import Bench, ticks

OPTIONS = ScanOptions(budget=5)


def set_fields(ctx: Any, view: Any, values: dict[str, int]) -> None:
    for name, value in values.items():
        ctx.set(view[name], value)


@pytest.mark.parametrize("spec", [SMALL, ODD])
def test_lane(spec: Spec, seed: int) -> None:
    """Scores after three planes, then after two more of the same words, from the sums in the lane's memory."""
    work = ScanWork.make(spec, 9, spec.group, OPTIONS, seed=seed)
    queries, keys = work.data.queries[0], work.data.planes[:, 0]
    row = work.row(0)
    reference = torch.arange(spec.group) * 700 - 900
    dut = ScanLane(spec=spec)
    bench = Bench(dut)

    async def feed(ctx: Any) -> None:
        ctx.set(dut.queries, row["queries"])
        ctx.set(dut.valid_rows, row["valid"])
        ctx.set(dut.shift, row["shift"])
        for r in range(spec.group):
            ctx.set(dut.references.row[r], int(reference[r]))
        for first, planes in ((0, 3), (3, 5)):
            wanted = partial_scores(queries, keys, planes)
            ctx.set(dut.fresh, first == 0)
            ctx.set(dut.unread, 8 - planes)
            for r, total in enumerate(middle(queries, planes).tolist()):
                ctx.set(dut.middle.row[r], total)
            for t, key in enumerate(keys):
                for plane in range(first, planes):
                    bits = [(int(code) & 0xFF) >> (7 - plane) & 1 for code in key]
                    ctx.set(dut.bits, sum(bit << c for c, bit in enumerate(bits)))
                    ctx.set(dut.valid, 1)
                    ctx.set(dut.first, plane == first)
                    ctx.set(dut.last, plane == planes - 1)
                    ctx.set(dut.word, t)
                    await ctx.tick()
                ctx.set(dut.valid, 0)
                await ticks(ctx, dut.scored - 1)
                got = [ctx.get(dut.scores.row[r]) for r in range(spec.group)]
                assert got == wanted[:, t].tolist(), f"token {t} after {planes} planes"
                await ticks(ctx, dut.latency - dut.scored)
                joined = int((wanted[:, t] - reference).max())
                assert ctx.get(dut.score) == (joined + (128 << row["shift"])) << (16 - row["shift"])

    finish(bench, feed)
    bench.run()


def test_row_maximum(seed: int) -> None:
    """Of the tokens that there are, over two words, until it begins again."""
    g = torch.Generator().manual_seed(seed)
    dut = RowMaximum(spec=SMALL)
    bench = Bench(dut)
    size = SMALL.plane_tokens

    async def look(ctx: Any) -> None:
        for _ in range(3):
            ctx.set(dut.begin, 1)
            await ctx.tick()
            ctx.set(dut.begin, 0)
            largest = [-(1 << 60)] * SMALL.group
            for there in (size, size - 2):
                scores = torch.randint(-9000, 9000, (size, SMALL.group), generator=g).tolist()
                for k, rows in enumerate(scores):
                    for r, score in enumerate(rows):
                        ctx.set(dut.scores.lane[k].row[r], score)
                ctx.set(dut.tokens, there)
                ctx.set(dut.go, 1)
                await ctx.tick()
                ctx.set(dut.go, 0)
                while ctx.get(dut.busy):
                    await ctx.tick()
                largest = [max(largest[r], *(rows[r] for rows in scores[:there])) for r in range(SMALL.group)]
                assert [ctx.get(dut.largest.row[r]) for r in range(SMALL.group)] == largest

    finish(bench, look)
    bench.run()


@pytest.mark.parametrize(("spec", "rows"), [(SMALL, 2), (ODD, 1)])
def test_plane_scores(spec: Spec, rows: int, seed: int) -> None:
    """The references from the words at both ends, then every word's joined scores."""
    tokens = 3 * spec.plane_tokens + 2
    options = ScanOptions(budget=5, planes=4, sink_tokens=2, window=3)
    work = ScanWork.make(spec, tokens, rows, options, seed=seed)
    queries, keys = work.data.queries[0], work.data.planes[:, 0]
    planes = plane_words(keys, spec)
    scores = partial_scores(queries, keys, 4)
    word = torch.arange(tokens) // spec.plane_tokens
    reference = scores[:, (word == 0) | (word == 3)].max(1, keepdim=True).values
    joined = (scores - reference).max(0).values.tolist()
    shift = work.row(0)["shift"]
    dut = PlaneScores(spec=spec)
    bench = Bench(dut)
    got: dict[int, list[int]] = {}
    marks: dict[int, tuple[int, int, int]] = {}  # planes, tokens there, tokens kept always

    def masks_of(number: int) -> tuple[int, int]:
        """Which tokens of a word there are, and which are kept always."""
        own = list(enumerate(range(number * spec.plane_tokens, (number + 1) * spec.plane_tokens)))
        there = sum(1 << k for k, t in own if t < tokens)
        always = sum(1 << k for k, t in own if t < options.sink_tokens or t >= tokens - options.window)
        return there, always

    async def read(ctx: Any, number: int, *, end: bool = False) -> None:
        for plane in range(4):
            ctx.set(dut.i.payload.bits, int.from_bytes(planes[number, plane].tobytes(), "little"))
            ctx.set(dut.i.payload.word, number)
            ctx.set(dut.i.payload.first, plane == 0)
            ctx.set(dut.i.payload.last, plane == 3)
            ctx.set(dut.i.payload.end, end)
            ctx.set(dut.i.payload.planes, 4)
            ctx.set(dut.i.valid, 1)
            taken = 0
            while not taken:
                _, _, taken = await ctx.tick().sample(dut.i.ready)
        ctx.set(dut.i.valid, 0)

    async def feed(ctx: Any) -> None:
        set_fields(ctx, dut.row, work.row(0))
        ctx.set(dut.fresh, 1)
        ctx.set(dut.tokens, tokens)
        for head in range(2):  # references of the head before are forgotten
            ctx.set(dut.begin, 1)
            await ctx.tick()
            ctx.set(dut.begin, 0)
            await ticks(ctx, 2)
            for number in (0, 3) if head else (1, 2):
                await read(ctx, number, end=True)
        for number in range(4):
            await read(ctx, number)
        await ticks(ctx, dut.latency + 2)
        flat = [score for number in sorted(got) for score in got[number]][:tokens]
        assert flat == [(score + (128 << shift)) << (16 - shift) for score in joined]
        assert marks == {number: (4, *masks_of(number)) for number in range(4)}

    async def watch(ctx: Any) -> None:
        while True:
            await ctx.tick()
            if ctx.get(dut.o.valid):
                got[ctx.get(dut.o.word)] = [ctx.get(dut.o.scores[k]) for k in range(spec.plane_tokens)]
                marks[ctx.get(dut.o.word)] = (ctx.get(dut.o.planes), ctx.get(dut.o.there), ctx.get(dut.o.always))

    finish(bench, feed)
    bench.process(watch)
    bench.run()
