"""Frame fetch: the header, then the group table, for any memory."""

from __future__ import annotations

from typing import Any

import pytest

from golden.splat.memory_map import HEADER_BYTES
from hw.lib.fields import pack, unpack_nested
from hw.splat.frame_fetch import FrameFetch
from hw.splat.row_layouts import header_layout
from tests.hw.lib.bench import Bench
from tests.hw.lib.byte_memory import ByteMemory
from tests.hw.splat.workload import workload


@pytest.mark.parametrize("width", [128, 256, 512])
@pytest.mark.parametrize(("memory", "get"), [(0, 0), (0.4, 0.5)])
def test_two_frames(width: int, memory: float, get: float, seed: int) -> None:
    """Header and every entry of two frames; a start while busy is ignored; busy until the last entry has left."""
    w = workload()
    # The second frame's header lies elsewhere, with another camera and one group less.
    second = {**w.header, "near": w.header["near"] + 1, "group_count": len(w.entries) - 1}
    copy = pack(header_layout(), second).to_bytes(HEADER_BYTES, "little")
    dut = FrameFetch(memory_width=width)
    bench = Bench(dut, seed=seed)
    ByteMemory(bench, dut.memory, w.content + copy, latency=7, stall=memory)
    log = bench.sink(dut.groups, w.entries + w.entries[:-1], stall=get)
    headers: list[dict[str, int]] = []

    async def run(ctx: Any) -> None:
        for address in (0, len(w.content)):
            assert not ctx.get(dut.busy)
            ctx.set(dut.address, address)
            ctx.set(dut.start, 1)
            await ctx.tick()
            ctx.set(dut.address, 64)  # ignored from now on
            before = len(log.values)
            while ctx.get(dut.busy):
                await ctx.tick()
                if len(log.values) == before + 1:
                    headers.append(unpack_nested(ctx.get(dut.frame.as_value()), header_layout()))
                    before = -1
                if before < 0:
                    assert headers[-1] == unpack_nested(ctx.get(dut.frame.as_value()), header_layout()), "not stable"
                if len(log.values) == len(w.entries) // 2:
                    ctx.set(dut.start, 0)
            ctx.set(dut.start, 0)
            assert len(log.values) == (len(w.entries) if address == 0 else log.count)

    bench.process(run)
    bench.run()
    assert headers == [w.header, second]
