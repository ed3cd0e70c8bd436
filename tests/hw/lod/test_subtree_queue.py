"""The subtree queue loses nothing and keeps the order, however small it is and slow the memory."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Any

import pytest
from amaranth.hdl import Value

from hw.lib.fields import pack, unpack_nested
from hw.lib.memory_port import ReadDataLayout, ReadRequestLayout, WriteLayout
from hw.lod.child_walk import ChildWalk
from hw.lod.config import tiny
from hw.lod.context_pool import ContextPool
from hw.lod.subtree_queue import SubtreeQueue
from tests.hw.lib.bench import Bench

RING = 64


class Ring:
    """The memory behind the queue's ports. A write is seen by reads that are asked for after `written`."""

    def __init__(self, bench: Bench, dut: SubtreeQueue, *, latency: int, stall: float) -> None:
        self.bench, self.dut, self.latency, self.stall = bench, dut, latency, stall
        self.words: dict[int, int] = {}
        self.writes = 0
        bench.process(self.write)
        bench.process(self.read)

    async def write(self, ctx: Any) -> None:
        dut, request = self.dut, self.dut.write.request
        ctx.set(dut.address, 1 << 12)
        ctx.set(dut.words, RING)
        while True:
            ready = not self.bench.stall(self.stall)
            ctx.set(request.ready, ready)
            _, _, valid, bits = await ctx.tick().sample(request.valid, Value.cast(request.payload))
            ctx.set(dut.written, 0)
            if valid and ready:
                word = unpack_nested(bits, WriteLayout(128))
                assert 0 <= word["address"] - (1 << 12) < 16 * RING
                self.words[word["address"]] = word["data"]
                self.writes += 1
                ctx.set(dut.written, 1)

    async def read(self, ctx: Any) -> None:
        request, response = self.dut.memory.request, self.dut.memory.response
        waiting: deque[tuple[int, int]] = deque()
        ctx.set(request.ready, 1)
        offered = False
        while True:
            now = ctx.get(self.bench.cycle)
            if not offered and waiting and waiting[0][0] <= now and not self.bench.stall(self.stall):
                offered = True
                ctx.set(Value.cast(response.payload), pack(ReadDataLayout(128), {"data": waiting[0][1], "last": 1}))
            ctx.set(response.valid, offered)
            _, _, asked, bits, taken = await ctx.tick().sample(
                request.valid, Value.cast(request.payload), response.ready
            )
            if offered and taken:
                waiting.popleft()
                offered = False
            if asked:
                waiting.append((now + self.latency, self.words[unpack_nested(bits, ReadRequestLayout())["address"]]))


@pytest.mark.parametrize("depth", [2, 3, 8])
@pytest.mark.parametrize(
    ("fast", "slow", "latency", "pause"),
    [(0.0, 0.8, 3, 0.0), (0.3, 0.3, 20, 0.3), (0.0, 0.0, 1, 0.0), (0.0, 0.95, 40, 0.1), (0.2, 0.7, 1, 0.8)],
)
def test_nothing_is_lost(depth: int, fast: float, slow: float, latency: int, pause: float, seed: int) -> None:
    dut = SubtreeQueue(config=replace(tiny(), queue_depth=depth))
    bench = Bench(dut, seed=seed)
    ring = Ring(bench, dut, latency=latency, stall=pause)
    entries = [
        {"first_child": k, "children": bench.random.getrandbits(32), "expanded": bench.random.getrandbits(32)}
        for k in range(60)
    ]
    # No more than the ring takes.
    bench.source(dut.i, entries, stall=fast)
    bench.sink(dut.o, entries, stall=slow)
    bench.run()
    if slow > 0.5:
        assert ring.writes > 20


def test_runs_over_and_empty_in_turns(seed: int) -> None:
    """The ring's places are used again, and what comes when the ring is empty stays on chip."""
    dut = SubtreeQueue(config=replace(tiny(), queue_depth=2))
    bench = Bench(dut, seed=seed)
    ring = Ring(bench, dut, latency=7, stall=0.2)
    entries = [{"first_child": k, "children": k + 1, "expanded": 3 * k} for k in range(300)]
    bench.source(dut.i, entries, stall=0.55)
    bench.sink(dut.o, entries, stall=0.5)
    bench.run()
    assert RING < ring.writes < 300


def test_children_are_called_in_order(seed: int) -> None:
    dut = ChildWalk()
    bench = Bench(dut, seed=seed)
    masks = [0, 1, 1 << 31, 0b1011, (1 << 32) - 1, 0, 6, *(bench.random.getrandbits(32) for _ in range(20))]
    entries = [{"first_child": 100 * k, "children": m, "expanded": k} for k, m in enumerate(masks)]
    calls = [{"subtree": 100 * k + bit, "entered": k} for k, m in enumerate(masks) for bit in range(32) if m >> bit & 1]
    bench.source(dut.i, entries, stall=0.2)
    bench.sink(dut.o, calls, stall=0.2)
    bench.run()


def test_contexts_go_to_one_holder_at_a_time(seed: int) -> None:
    dut = ContextPool(count=4)
    bench = Bench(dut, seed=seed)
    log = bench.sink(dut.o, 60, stall=0.3)
    out: list[int] = []

    async def give_back(ctx: Any) -> None:
        seen, left = 0, 56  # with the first four contexts, 60 are handed out
        while True:
            ctx.set(dut.i.valid, 0)
            for value in log.values[seen:]:
                assert value not in out
                out.append(value)
            seen = len(log.values)
            if out and left and not bench.stall(0.4):
                left -= 1
                ctx.set(dut.i.valid, 1)
                ctx.set(dut.i.payload, out.pop(bench.random.randrange(len(out))))
            await ctx.tick()

    bench.process(give_back)
    bench.run()
    assert set(log.values) == {0, 1, 2, 3}
