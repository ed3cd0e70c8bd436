"""The records of the selected clusters, block by block, from the level in which each block lies."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from golden.kv.memory_map import place_offset
from golden.kv.spec import TINY, Spec
from hw.kv.gather import ROW_BYTES, RecordGather
from tests.hw.kv.workload import THREE_CHUNKS, THREE_HEADS, Workload, answer, config_of, finish, set_header
from tests.hw.lib.bench import Bench, ticks
from tests.hw.lib.memory_model import MemoryModel, WriteMemory, word_at

#: Half a burst off a multiple of its size, so that some bursts lie across the border of two DRAM rows.
LEVELS = {"near_address": 0x4040, "far_address": 0x40040}


def bursts_of(work: Workload) -> list[tuple[int, int]]:
    """Address and words of every burst, in order."""
    spec, store = work.spec, work.model.store
    closed = store.closed(spec)
    bursts: list[tuple[int, int]] = []
    for h, head in enumerate(work.model.heads):
        for c in head.selected.nonzero().flatten().tolist():
            for block in store.chains[c]:
                level, number = ("far", block) if block < closed else ("near", block % spec.near_blocks)
                address = LEVELS[f"{level}_address"] + place_offset(spec, number, h, 0)
                bursts.append((address, store.fill[block] * spec.chunks))
    return bursts


#: With a Th_hd of 1 almost every token founds a cluster; sixteen blocks leave some clusters without one.
FULL = replace(TINY, blocks=16, near_blocks=16)


@pytest.mark.parametrize("stall", [0.0, 0.4])
@pytest.mark.parametrize(("spec", "threshold"), [(TINY, 7), (FULL, 1), (THREE_HEADS, 7), (THREE_CHUNKS, 7)])
def test_gather(spec: Spec, threshold: int, stall: float, seed: int) -> None:
    work = Workload.make(spec, 140, 3, seed=seed, anchors=24, threshold=threshold)
    store, count = work.model.store, work.model.clustering.count
    chosen = [head.selected.tolist() for head in work.model.heads]
    assert any(not store.chains[c] for bits in chosen for c in range(count) if bits[c]) == (spec is FULL)
    bursts = bursts_of(work)
    sources = [address + k * spec.word_bytes for address, words in bursts for k in range(words)]
    ends = [int(k == words - 1) for _, words in bursts for k in range(words)]
    first = work.header["gather_address"]
    writes = [
        (first + k * spec.word_bytes, word_at(address), end)
        for k, (address, end) in enumerate(zip(sources, ends, strict=True))
    ]

    dut = RecordGather(config=config_of(spec))
    bench = Bench(dut, seed=seed)
    source = MemoryModel(bench, dut.source, latency=9, stall=stall)
    target = WriteMemory(bench, dut.target, len(writes), stall=stall)
    fills = [*store.fill, *[0] * (spec.blocks - len(store.fill))]
    follows = {a: b for chain in store.chains for a, b in pairwise(chain)}

    def chain(ctx: Any, cluster: int) -> None:
        blocks = store.chains[cluster] if cluster < count else []
        ends = {"first": blocks[0], "last": blocks[-1], "fill": fills[blocks[-1]]} if blocks else {}
        ctx.set(dut.chain, {"some": int(bool(blocks)), "first": 3, "last": 3, "fill": 0} | ends)

    def block(ctx: Any, number: int) -> None:
        ctx.set(dut.next, follows.get(number, 0))
        ctx.set(dut.fill, fills[number])

    counted = {"selected": 0, "burst": 0, "far": 0, "row_hit": 0}

    async def watch(ctx: Any) -> None:
        while True:
            _, _, *events = await ctx.tick().sample(*(getattr(dut, name) for name in counted))
            for name, event in zip(counted, events, strict=True):
                counted[name] += event

    async def select(ctx: Any) -> None:
        """Table after table, each once there is room; then idle means that all is written."""
        ctx.set(dut.closed, store.closed(spec))
        await ticks(ctx, 2)
        for bits in chosen:
            while not ctx.get(dut.room):
                await ctx.tick()
            for c, bit in enumerate(bits):
                ctx.set(dut.i.payload, {"cluster": c, "selected": int(bit), "last": int(c == count - 1)})
                ctx.set(dut.i.valid, 1)
                assert ctx.get(dut.i.ready), "a table for which there was room waits"
                await ctx.tick()
            ctx.set(dut.i.valid, 0)
        while not ctx.get(dut.idle):
            await ctx.tick()
        assert len(target.log.values) == len(writes)

    bench.process(set_header(dut.header, work.header | LEVELS, dut.begin))
    bench.process(answer(dut.read_chain, chain))
    bench.process(answer(dut.read_block, block))
    bench.process(watch)
    finish(bench, select)
    bench.run()
    assert source.bursts == bursts
    assert target.words() == writes
    row_bits = (ROW_BYTES - 1).bit_length()
    last_words = [address + (words - 1) * spec.word_bytes for address, words in bursts]
    assert counted == {
        "selected": sum(sum(bits) for bits in chosen),
        "burst": len(bursts),
        "far": sum(address >= LEVELS["far_address"] for address, _ in bursts),
        "row_hit": sum(a >> row_bits == b >> row_bits for a, (b, _) in zip(last_words, bursts[1:], strict=False)),
    }
    if not stall and spec is not FULL:  # clusters without a block take cycles and give no words
        cycles = target.log.cycles
        assert cycles[-1] - cycles[0] <= 1.1 * len(writes) + 20, "a block takes its words"
