"""Blocks of query rows as the host laid them out, one ahead of the one in use."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from golden.kv.memory_map import query_words
from golden.kv.spec import TINY, Spec
from hw.kv.query_fetch import QueryFetch
from tests.hw.kv.workload import THREE_CHUNKS, THREE_HEADS, Workload, config_of, finish, set_header
from tests.hw.lib.bench import Bench, ticks
from tests.hw.lib.byte_memory import ByteMemory

#: Four chunks a head: the words of a block go to their banks chunk by chunk.
LONG = replace(TINY, head_size=32)


@pytest.mark.parametrize("stall", [0.0, 0.4])
@pytest.mark.parametrize(("spec", "queries"), [(TINY, 11), (LONG, 4), (THREE_HEADS, 1), (THREE_CHUNKS, 5)])
def test_query_fetch(spec: Spec, queries: int, stall: float, seed: int) -> None:
    work = Workload.make(spec, 8, queries, seed=seed)
    dut = QueryFetch(config=config_of(spec))
    bench = Bench(dut, seed=seed)
    memory = ByteMemory(bench, dut.memory, work.image.data.tobytes(), latency=7, stall=stall)
    blocks = -(-queries // spec.rows)
    words = 1 + query_words(spec)

    async def score(ctx: Any) -> None:
        await ticks(ctx, 3)
        for used in range(spec.heads * blocks):
            head, block = divmod(used, blocks)
            await ticks(ctx, 0 if used % 2 else 60)  # long enough for every block that would be let in
            while not ctx.get(dut.loaded):
                await ctx.tick()
            rows = [block * spec.rows + r for r in range(spec.rows)]
            held = [row for row in rows if row < queries]
            info = dut.info
            assert ctx.get(info.valid) == (1 << len(held)) - 1
            for r, row in enumerate(held):
                assert ctx.get(info[f"shift_{r}"]) == int(work.data.shifts[row, head])
            for _ in range(2):  # every chunk twice: a block stays until it is released
                for chunk in range(spec.chunks):
                    ctx.set(dut.chunk, chunk)
                    await ctx.tick()
                    bits = ctx.get(dut.rows)
                    for r, row in enumerate(rows):
                        part = slice(chunk * spec.lanes, (chunk + 1) * spec.lanes)
                        codes = work.data.queries[row, head, part].tolist() if row < queries else [0] * spec.lanes
                        width = 8 * spec.lanes
                        wanted = sum((code & 0xFF) << (8 * k) for k, code in enumerate(codes))
                        assert bits >> (r * width) & ((1 << width) - 1) == wanted, f"head {head}, row {row}"
            while bench.stall(stall):
                await ctx.tick()
            asked = sum(length for _, length in memory.bursts)
            assert asked <= (used + 4) * words, "two blocks are held, and two fit the reader"
            ctx.set(dut.release, 1)
            await ctx.tick()
            ctx.set(dut.release, 0)
        await ticks(ctx, 3)
        assert not ctx.get(dut.loaded)

    bench.process(set_header(dut.header, work.header, dut.go))
    finish(bench, score)
    bench.run()
