"""Job fetch: the job, then one view after the other, each whole and in place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from amaranth.hdl import Value

from golden.lod.memory_map import JOB_BYTES, VIEW_BYTES
from hw.lod.config import default
from hw.lod.job_fetch import JobFetch
from tests.hw.lib.bench import Bench
from tests.hw.lib.memory_model import MemoryModel, word_at

JOB, VIEWS = 1 << 10, 1 << 13


@pytest.mark.parametrize("width", [128, 1024])
@pytest.mark.parametrize(("latency", "stall"), [(1, 0.0), (5, 0.5)])
def test_job_and_views_are_read(width: int, latency: int, stall: float, seed: int) -> None:
    """The job, then view after view from where the job says, each whole and in place when `busy` falls."""
    dut = JobFetch(config=replace(default(), memory_width=width))
    bench = Bench(dut, seed=seed)
    size = width // 8

    def contents(address: int) -> int:
        return VIEWS if address == JOB else word_at(address)  # a job begins with the views' address

    MemoryModel(bench, dut.memory, latency=latency, stall=stall, contents=contents)
    got: list[tuple[int, int]] = []

    async def run(ctx: Any) -> None:
        ctx.set(dut.address, JOB)
        for k in range(5):
            begin = dut.next if k else dut.start
            ctx.set(begin, 1)
            await ctx.tick()
            ctx.set(begin, 0)
            assert ctx.get(dut.busy)
            while ctx.get(dut.busy):
                await ctx.tick()
            for _ in range(bench.random.randrange(4)):
                await ctx.tick()
            got.append((ctx.get(Value.cast(dut.job)), ctx.get(Value.cast(dut.view))))

    def row(address: int, count: int) -> int:
        return sum(contents(address + k * size) << (k * width) for k in range(count // size))

    bench.process(run)
    bench.run(drain=700)
    assert [job for job, _ in got] == [row(JOB, JOB_BYTES)] * 5
    assert [view for _, view in got[1:]] == [row(VIEWS + k * VIEW_BYTES, VIEW_BYTES) for k in range(4)]
