"""Closed blocks are copied word by word, once what was written before has reached the memory."""

from __future__ import annotations

from typing import Any

import pytest

from golden.kv.memory_map import place_offset
from golden.kv.spec import TINY, Spec
from hw.kv.evictor import Evictor
from tests.hw.kv.workload import THREE_HEADS, answer, config_of, set_header
from tests.hw.lib.bench import Bench, ticks
from tests.hw.lib.memory_model import MemoryModel, WriteMemory, word_at

HEADER = {"near_address": 0x1000, "far_address": 0x40000}
UNSETTLED = 40  # cycles at the start in which a write is on its way


@pytest.mark.parametrize("stall", [0.0, 0.4])
@pytest.mark.parametrize("spec", [TINY, THREE_HEADS])
def test_evictor(spec: Spec, stall: float, seed: int) -> None:
    dut = Evictor(config=config_of(spec))
    bench = Bench(dut, seed=seed)
    orders = list(range(26, 40))  # over the end of the near level's 32 slots
    fill = [bench.random.randint(1, spec.block_tokens) for _ in range(spec.blocks)]
    bursts: list[tuple[int, int]] = []
    writes: list[tuple[int, int, int]] = []
    for block in orders:
        words = fill[block] * spec.chunks
        for head in range(spec.heads):
            near = HEADER["near_address"] + place_offset(spec, block % spec.near_blocks, head, 0)
            far = HEADER["far_address"] + place_offset(spec, block, head, 0)
            bursts.append((near, words))
            writes += [
                (far + k * spec.word_bytes, word_at(near + k * spec.word_bytes), int(k == words - 1))
                for k in range(words)
            ]
    source = MemoryModel(bench, dut.source, latency=9, stall=stall)
    target = WriteMemory(bench, dut.target, len(writes), stall=stall)
    copied: list[int] = []  # words written when a block is done

    async def settle(ctx: Any) -> None:
        await ticks(ctx, UNSETTLED)
        assert not source.bursts, "a block is read before the writes of its last tokens have settled"
        while True:
            ctx.set(dut.settled, not bench.stall(stall))
            await ctx.tick()

    async def watch(ctx: Any) -> None:
        while True:
            _, _, done, idle = await ctx.tick().sample(dut.done, dut.idle)
            if done:
                copied.append(len(target.log.values))
            assert not idle or len(copied) in (0, len(orders))

    bench.process(set_header(dut.header, HEADER))
    bench.process(answer(dut.read_block, lambda ctx, block: ctx.set(dut.fill, fill[block])))
    bench.process(settle)
    bench.process(watch)
    bench.source(dut.orders, orders)
    bench.run()
    assert target.words() == writes
    assert source.bursts == bursts
    ends = [sum(fill[b] for b in orders[: k + 1]) * spec.token_words for k in range(len(orders))]
    assert copied == ends
