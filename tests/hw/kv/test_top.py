"""The whole engine: a memory whose misbehaviour needs more heads than the co-simulation's config has, and a scan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from golden.kv.memory_image import bitmap, expected_log, expected_records
from golden.kv.scan import ScanOptions
from golden.kv.scan_image import expected_results, read_results
from golden.kv.spec import TINY
from golden.rows import Bytes
from hw.kv.top import KvEngine
from tests.hw.kv.scans import ScanWork
from tests.hw.kv.workload import Workload, config_of, finish
from tests.hw.lib.bench import Bench, ticks
from tests.hw.lib.byte_memory import ByteMemory, ByteWriter

STALL = 1500  # cycles in which no word is written: longer than all heads take to be scored

#: Eight heads of one chunk, a word a bitmap: their bitmaps do not fit the select writer's queue of four.
SPEC = replace(
    TINY, heads=8, head_size=8, hash_bits=8, hamming_threshold=2, rows=2, buckets=8, clusters=16, blocks=16,
    near_blocks=16, group=1, scan_tokens=64,
)  # fmt: skip


def test_no_bitmap_is_lost_while_nothing_is_written(seed: int) -> None:
    """A table is marked only when the select writer has room for it, though the gather block has."""
    work = Workload.make(SPEC, 2, 1, seed=seed)
    config = replace(config_of(SPEC), compare_width=2)
    dut = KvEngine(config=config)
    bench = Bench(dut, seed=seed)
    content = bytearray(work.image.data.tobytes() + bytes(work.image.result_bytes))
    ByteMemory(bench, dut.read, content, latency=4)

    async def write(ctx: Any) -> None:
        """Takes every word at once, but for the long stall before the first bitmap."""
        stalled = False
        ctx.set(dut.write.request.ready, 1)
        while True:
            _, _, valid, word = await ctx.tick().sample(dut.write.request.valid, dut.write.request.payload)
            if valid:
                if word.address >= work.header["select_address"] and not stalled:
                    stalled = True
                    ctx.set(dut.write.request.ready, 0)
                    await ticks(ctx, STALL)
                    ctx.set(dut.write.request.ready, 1)
                content[word.address : word.address + SPEC.word_bytes] = int(word.data).to_bytes(
                    SPEC.word_bytes, "little"
                )

    async def job(ctx: Any) -> None:
        ctx.set(dut.address, work.image.header_address)
        ctx.set(dut.start, 1)
        await ctx.tick()
        ctx.set(dut.start, 0)
        while ctx.get(dut.busy):
            await ctx.tick()

    bench.process(write)
    finish(bench, job)
    bench.run()

    def written(address: int, expected: Bytes) -> bool:
        return bytes(content[address : address + expected.size]) == expected.tobytes()

    model, header = work.model, work.header
    assert written(header["log_address"], expected_log(model))
    assert written(header["select_address"], np.stack([bitmap(head.selected, SPEC) for head in model.heads]))
    gathered = [rows.reshape(-1) for rows in expected_records(model, work.data, SPEC)]
    place = header["gather_address"]
    for rows in gathered:
        assert written(place, rows)
        place += rows.size


#: One head whose planes lie four tokens a word.
SCAN_SPEC = replace(SPEC, heads=1, head_size=32, group=2)


@pytest.mark.slow
def test_a_scan_goes_through_the_ports(seed: int) -> None:
    """Its reads and writes share the engine's ports with the other modes', and its words are counted."""
    options = ScanOptions(budget=9, sink_tokens=1, window=2, planes=3)
    work = ScanWork.make(SCAN_SPEC, 22, 2, options, seed=seed)
    image = work.image
    dut = KvEngine(config=replace(config_of(SCAN_SPEC), compare_width=2))
    bench = Bench(dut, seed=seed)
    content = bytearray(image.data.tobytes() + bytes(image.result_bytes))
    ByteMemory(bench, dut.read, content, latency=4)
    ByteWriter(bench, dut.write, content)

    async def job(ctx: Any) -> None:
        ctx.set(dut.address, image.header_address)
        ctx.set(dut.start, 1)
        await ctx.tick()
        ctx.set(dut.start, 0)
        while ctx.get(dut.busy):
            await ctx.tick()
        (scan,) = work.scans
        assert ctx.get(dut.counters.plane_words) * SCAN_SPEC.word_bytes == scan.plane_bytes
        assert ctx.get(dut.counters.picked) == len(scan.tokens)
        assert ctx.get(dut.counters.token_words) == ctx.get(dut.counters.gather_words) == 0

    finish(bench, job)
    bench.run()
    got = read_results(np.frombuffer(bytes(content[image.result_address :]), np.uint8), image, SCAN_SPEC, 22)
    for name, wanted in expected_results(work.data, work.scans, SCAN_SPEC).items():
        assert np.array_equal(got[name], wanted), name
