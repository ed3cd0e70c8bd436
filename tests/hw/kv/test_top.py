"""The whole engine where a memory's misbehaviour needs more heads than the co-simulation's config has."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from golden.kv.memory_image import bitmap, expected_log, expected_records
from golden.kv.spec import TINY
from golden.rows import Bytes
from hw.kv.top import KvEngine
from tests.hw.kv.workload import Workload, config_of, finish
from tests.hw.lib.bench import Bench, ticks
from tests.hw.lib.byte_memory import ByteMemory

STALL = 1500  # cycles in which no word is written: longer than all heads take to be scored

#: Eight heads of one chunk, a word a bitmap: their bitmaps do not fit the select writer's queue of four.
SPEC = replace(
    TINY, heads=8, head_size=8, hash_bits=8, hamming_threshold=2, rows=2, buckets=8, clusters=16, blocks=16,
    near_blocks=16,
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
