"""Scores of every cluster for a block of query rows against the model, at their stated pace."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from golden.kv.spec import DEFAULT, TINY, Spec
from hw.kv.score_lane import ScoreLane
from hw.kv.score_unit import ScoreUnit
from tests.hw.kv.workload import THREE_HEADS, Workload, answer, config_of, finish
from tests.hw.lib.bench import Bench, ticks

BEHIND = 17  # cycles from a chunk's reading to its cluster's score
#: One chunk a head: a cluster's score every cycle.
ONE_CHUNK = replace(TINY, heads=4, head_size=8)


def packed(codes: list[int]) -> int:
    """Codes of 8 bits, the first in the low bits."""
    return sum((code & 0xFF) << (8 * k) for k, code in enumerate(codes))


@pytest.mark.parametrize("spec", [TINY, replace(DEFAULT, lanes=16)])
def test_score_lane(spec: Spec, seed: int) -> None:
    """Dot products over a cluster's chunks, the largest among them, with and without gaps between chunks."""
    g = torch.Generator().manual_seed(seed)
    queries, means = (torch.randint(-127, 128, (40, spec.chunks, spec.lanes), generator=g) for _ in range(2))
    queries[3], means[3] = 127, -127
    scores = (queries * means).sum((1, 2)).tolist()
    dut = ScoreLane(spec=spec)
    bench = Bench(dut, seed=seed)
    got: list[int] = []
    due: list[int] = []  # cycles in which a score is to be read

    async def feed(ctx: Any) -> None:
        for query, mean in zip(queries.tolist(), means.tolist(), strict=True):
            for chunk in range(spec.chunks):
                while bench.stall(0.2):
                    ctx.set(dut.valid, 0)
                    ctx.set(dut.first, bench.stall(0.5))
                    await ctx.tick()
                ctx.set(dut.query, packed(query[chunk]))
                ctx.set(dut.means, packed(mean[chunk]))
                ctx.set(dut.valid, 1)
                ctx.set(dut.first, chunk == 0)
                await ctx.tick()
            due.append(ctx.get(bench.cycle) + ScoreLane.latency - 1)
        ctx.set(dut.valid, 0)
        await ticks(ctx, ScoreLane.latency + 1)

    async def watch(ctx: Any) -> None:
        while True:
            if len(got) < len(due) and ctx.get(bench.cycle) == due[len(got)]:
                got.append(ctx.get(dut.score))
            await ctx.tick()

    finish(bench, feed)
    bench.process(watch)
    bench.run()
    assert got == scores


@pytest.mark.parametrize("spec", [TINY, THREE_HEADS, ONE_CHUNK])
def test_score_unit(spec: Spec, seed: int) -> None:
    """All heads and blocks of a job: every score with its cluster's count, `chunks` cycles apart."""
    work = Workload.make(spec, 60, 6, seed=seed)
    table, clusters = work.model.table, work.model.clustering.count
    blocks = -(-6 // spec.rows)
    sums = table.sums.reshape(clusters * spec.token_words, spec.lanes).tolist()
    queries = torch.zeros(blocks * spec.rows, spec.heads, spec.head_size, dtype=torch.int64)
    queries[:6] = work.data.queries
    wanted: list[dict[str, Any]] = []
    for head in range(spec.heads):
        for block in range(blocks):
            rows = work.model.heads[head].scores[block * spec.rows :][: spec.rows].T.tolist()
            wanted += [
                {"count": int(n), "scores": row + [0] * (spec.rows - len(row))}
                for n, row in zip(table.counts, rows, strict=True)
            ]
    dut = ScoreUnit(config=config_of(spec))
    bench = Bench(dut, seed=seed)
    scores = bench.sink(dut.o, wanted)
    rows_in_use: list[list[int]] = []
    reads: list[int] = []

    async def table_rows(ctx: Any) -> None:
        while True:
            _, _, reading, row, now = await ctx.tick().sample(dut.reading, dut.row, bench.cycle)
            ctx.set(dut.sums.valid, reading)
            ctx.set(dut.sums.payload, {"lane": sums[row] if reading else [bench.random.getrandbits(5)] * spec.lanes})
            reads.extend([now] * reading)

    def count(ctx: Any, cluster: int) -> None:
        ctx.set(dut.count, int(table.counts[cluster]) if cluster < clusters else 1)

    def chunk(ctx: Any, number: int) -> None:
        if rows_in_use:
            part = slice(number * spec.lanes, (number + 1) * spec.lanes)
            ctx.set(dut.rows, packed([code for row in rows_in_use[-1] for code in row[part]]))

    async def drive(ctx: Any) -> None:
        ctx.set(dut.clusters, clusters)
        for head in range(spec.heads):
            for block in range(blocks):
                rows_in_use.append(queries[block * spec.rows :][: spec.rows, head].tolist())
                ctx.set(dut.head, head)
                ctx.set(dut.start, 1)
                await ctx.tick()
                ctx.set(dut.start, 0)
                before = len(scores.values)
                while ctx.get(dut.busy):
                    await ctx.tick()
                assert len(scores.values) - before == clusters, "it is busy until the last score has left"
                await ticks(ctx, bench.random.randint(0, 3))

    bench.process(table_rows)
    bench.process(answer(dut.cluster, count))
    bench.process(answer(dut.chunk, chunk))
    finish(bench, drive)
    bench.run()
    ends = reads[spec.chunks - 1 :: spec.chunks]
    assert [b - a for a, b in zip(ends, scores.cycles, strict=True)] == [BEHIND] * len(wanted)
    assert len(reads) == spec.chunks * len(wanted)
