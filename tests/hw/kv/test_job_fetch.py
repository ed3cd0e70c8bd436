"""A job's header, field by field, from wherever it lies."""

from __future__ import annotations

from typing import Any

import pytest

from golden.kv.memory_map import HEADER, HEADER_BYTES
from golden.rows import pack
from hw.kv.job_fetch import JobFetch
from tests.hw.kv.workload import finish
from tests.hw.lib.bench import Bench, ticks
from tests.hw.lib.byte_memory import ByteMemory

PLACES = (0, 512, 1088)  # of three headers, the last on no multiple of its own size


@pytest.mark.parametrize("width", [128, 512])
@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_job_fetch(width: int, stall: float, seed: int) -> None:
    dut = JobFetch(memory_width=width)
    bench = Bench(dut, seed=seed)
    content = bytearray(bench.random.randbytes(2048))
    jobs: list[dict[str, int]] = []
    for place in PLACES:
        jobs.append({f.name: bench.random.getrandbits(f.width - f.signed) for f in HEADER})
        content[place : place + HEADER_BYTES] = pack(HEADER, jobs[-1], HEADER_BYTES).tobytes()
    memory = ByteMemory(bench, dut.memory, bytes(content), latency=5, stall=stall)
    dones: list[int] = []

    async def watch(ctx: Any) -> None:
        while True:
            _, _, done, now = await ctx.tick().sample(dut.done, bench.cycle)
            dones.extend([now] * done)

    async def fetch(ctx: Any) -> None:
        for k, (place, job) in enumerate(zip(PLACES, jobs, strict=True)):
            ctx.set(dut.address, place)
            ctx.set(dut.start, 1)
            await ctx.tick()
            ctx.set(dut.start, 0)
            while not ctx.get(dut.done):
                await ctx.tick()
            for _ in range(2):  # when it is done, and as long as no other is fetched
                assert {name: ctx.get(dut.header[name]) for name in job} == job
                await ticks(ctx, 30)
            assert len(dones) == k + 1
        assert sum(length for _, length in memory.bursts) == 3 * HEADER_BYTES * 8 // width

    bench.process(watch)
    finish(bench, fetch)
    bench.run()
