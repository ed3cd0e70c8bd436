"""Sums of keys, chunk by chunk, against the model."""

from __future__ import annotations

from typing import Any

import pytest

from golden.kv.spec import TINY, Spec
from hw.kv.key_table import KeyTable
from tests.hw.kv.workload import THREE_HEADS, Workload
from tests.hw.lib.bench import Bench, ticks


@pytest.mark.parametrize("pause", [0.0, 0.3])
@pytest.mark.parametrize("spec", [TINY, THREE_HEADS])
def test_key_table(spec: Spec, pause: float, seed: int) -> None:
    """Chunk after chunk, as close as tokens come; then every row is read, with and without gaps."""
    work = Workload.make(spec, 80, 1, seed=seed)
    clustering, table = work.model.clustering, work.model.table
    keys = work.data.keys.reshape(80, spec.token_words, spec.lanes).tolist()
    sums = table.sums.reshape(clustering.count * spec.token_words, spec.lanes).tolist()
    dut = KeyTable(spec=spec)
    bench = Bench(dut, seed=seed)

    async def drive(ctx: Any) -> None:
        for key, cluster, new in zip(keys, clustering.cluster.tolist(), clustering.new.tolist(), strict=True):
            for k, chunk in enumerate(key):
                while bench.stall(pause):
                    ctx.set(dut.add, {"valid": 0, "first": 1, "row": 0, "chunk": chunk})
                    await ctx.tick()
                ctx.set(dut.add, {"valid": 1, "first": new, "row": cluster * spec.token_words + k, "chunk": chunk})
                await ctx.tick()
        ctx.set(dut.add.valid, 0)
        await ticks(ctx, 3)
        for row in range(len(sums)):
            while bench.stall(pause):
                ctx.set(dut.read, {"valid": 0, "row": 0})
                await ctx.tick()
            ctx.set(dut.read, {"valid": 1, "row": row})
            await ctx.tick()
        ctx.set(dut.read.valid, 0)

    bench.process(drive)
    read = bench.sink(dut.o, [{"lane": row} for row in sums])
    bench.run()
    if not pause:
        assert read.cycles == list(range(read.cycles[0], read.cycles[0] + len(sums)))
