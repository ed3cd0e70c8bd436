"""Frame fetch: the header, then the group table, for any memory."""

from __future__ import annotations

from typing import Any

import pytest

from golden.splat.memory_map import HEADER_BYTES, VOXEL_BYTES
from golden.splat.spec import TINY
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
    dut = FrameFetch(spec=TINY, memory_width=width)
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


@pytest.mark.parametrize(("width", "memory", "get"), [(128, 0, 0), (512, 0.4, 0.5), (512, 0, 0.9)])
def test_a_square_is_handed_out_again(width: int, memory: float, get: float, seed: int) -> None:
    """What was not offered goes nowhere; a narrow slab's entry comes alone, the next one's with all behind it."""
    w = workload()
    count, row = len(w.entries), 2
    dut = FrameFetch(spec=TINY, memory_width=width)
    bench = Bench(dut, seed=seed)
    ByteMemory(bench, dut.memory, w.content, latency=7, stall=memory)
    slabs = [
        {"row": row, "skip": 0, "nearest": 1, "low": 5, "narrow": 1, "high": 4000},
        {"row": row, "skip": 4, "nearest": 0, "low": 4000, "narrow": 0, "high": 9},
        {"row": count - 1, "skip": 4, "nearest": 0, "low": -7, "narrow": 1, "high": 3},
    ]
    entry, last = w.entries[row], w.entries[-1]

    def behind(entry: dict[str, int], voxels: int) -> dict[str, int]:
        place, left = entry["list_address"] + voxels * VOXEL_BYTES, entry["list_count"] - voxels
        return entry | {"list_address": place, "list_count": left}

    again = [
        entry | {"high": 4000, "continued": 1}, behind(entry, 4) | {"low": 4000}, *w.entries[row + 1 :],
        behind(last, 4) | {"low": -7, "high": 3, "continued": 1},
    ]  # fmt: skip
    log = bench.sink(dut.groups, len(again), stall=get)
    first: list[dict[str, int]] = []

    async def run(ctx: Any) -> None:
        async def until_idle() -> None:
            await ctx.tick()
            ctx.set(dut.start, 0)
            ctx.set(dut.again, 0)
            while ctx.get(dut.busy):
                ctx.set(dut.drop, not first and len(log.values) >= row)
                await ctx.tick()

        ctx.set(dut.start, 1)
        await until_idle()
        first.extend(log.values)
        log.values.clear()
        ctx.set(dut.drop, 0)
        for slab in slabs:
            ctx.set(dut.slab, slab)
            ctx.set(dut.again, 1)
            await until_idle()

    bench.process(run)
    bench.run()
    assert log.values == again
    assert row <= len(first) < count, "what was not offered"
    assert first == w.entries[: len(first)]
