"""Buckets, walk and union of rows against the model, block of rows by block of rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from golden.kv.memory_map import MODE_COUNT
from golden.kv.spec import TINY, Spec
from golden.kv.wtu import wtu
from hw.kv.layouts import ScoreLayout
from hw.kv.wtu import WeightedThresholdUnit
from hw.lib.fields import pack
from tests.hw.kv.workload import config_of, finish
from tests.hw.lib.bench import Bench, ticks

#: Two rows, eight buckets: other widths of what is kept for the mark.
NARROW = replace(TINY, rows=2, buckets=8)


@pytest.mark.parametrize("count_mode", [False, True])
@pytest.mark.parametrize(("spec", "queries"), [(TINY, 4), (TINY, 10), (NARROW, 3)])
def test_wtu(spec: Spec, queries: int, count_mode: bool, seed: int) -> None:
    """Tables of all sizes; the last block may hold fewer rows; a table leaves only when there is room for it."""
    g = torch.Generator().manual_seed(seed)
    code = 60
    blocks = -(-queries // spec.rows)
    dut = WeightedThresholdUnit(config=config_of(spec))
    bench = Bench(dut, seed=seed)
    layout = ScoreLayout(spec)
    wanted: list[dict[str, int]] = []
    heads = []
    for clusters in (1, 13, spec.clusters):
        # A few columns of high scores, different in every row, so that the union is neither one row's nor all.
        scores = torch.randint(-30_000, 10_000, (queries, clusters), generator=g)
        scores[torch.arange(queries), torch.randint(clusters, (queries,), generator=g)] += 40_000
        counts = torch.randint(1, 9, (clusters,), generator=g)
        shifts = torch.full((queries,), 17 - spec.buckets.bit_length())
        rows = wtu(scores, counts, shifts, code, spec, count_mode=count_mode)
        union = rows.selected.any(0).tolist()
        assert clusters < spec.clusters or 0 < sum(union) < clusters
        wanted += [{"cluster": c, "selected": int(s), "last": int(c == clusters - 1)} for c, s in enumerate(union)]
        heads.append((scores, counts, shifts, rows))
    out = bench.sink(dut.o, wanted)

    async def drive(ctx: Any) -> None:
        ctx.set(dut.header.mode, MODE_COUNT * count_mode)
        ctx.set(dut.header.wicsum_code, code)
        for scores, counts, shifts, rows in heads:
            clusters = len(counts)
            for block in range(blocks):
                part = slice(block * spec.rows, (block + 1) * spec.rows)
                held = len(shifts[part])
                info = {f"shift_{r}": s for r, s in enumerate(shifts[part].tolist())}
                for name, value in {"valid": (1 << held) - 1, **info}.items():
                    ctx.set(dut.info[name], value)
                for signal, value in (
                    (dut.clusters, clusters), (dut.first, block == 0), (dut.last, block == blocks - 1),
                    (dut.scored, 0), (dut.room, 0), (dut.start, 1),
                ):  # fmt: skip
                    ctx.set(signal, value)
                await ctx.tick()
                ctx.set(dut.start, 0)
                for c in range(clusters):
                    while bench.stall(0.2):
                        ctx.set(dut.scores.valid, 0)
                        await ctx.tick()
                    # The rows that hold no query get scores too, which must not count.
                    column = [*scores[part, c].tolist(), *[99_000] * (spec.rows - held)]
                    ctx.set(dut.scores.payload.as_value(), pack(layout, {"count": int(counts[c]), "scores": column}))
                    ctx.set(dut.scores.valid, 1)
                    await ctx.tick()
                ctx.set(dut.scores.valid, 0)
                ctx.set(dut.scored, 1)
                while not ctx.get(dut.walked):
                    await ctx.tick()
                assert ctx.get(dut.opened) == int(rows.opened[part].sum())
                assert ctx.get(dut.visited) == int(rows.visited[part].sum())
                before = len(out.values)
                await ticks(ctx, 20)
                assert ctx.get(dut.busy), "it waits for room"
                assert len(out.values) == before
                ctx.set(dut.room, 1)
                await ticks(ctx, 2)
                ctx.set(dut.room, 0)  # it was high before the table: that is enough for all of it
                while ctx.get(dut.busy):
                    await ctx.tick()
                assert len(out.values) - before == (clusters if block == blocks - 1 else 0)

    finish(bench, drive)
    bench.run()
