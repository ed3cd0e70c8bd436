from __future__ import annotations

from typing import Any

import pytest

from hw.lib.burst_reader import BurstReader
from tests.hw.lib.bench import Bench
from tests.hw.lib.memory_model import MemoryModel, word_at
from tests.hw.lib.simulate import refuses

WORD_BYTES = 4


def requests_of(bench: Bench, count: int, longest: int) -> list[dict[str, int]]:
    return [
        {"address": bench.random.getrandbits(28) * WORD_BYTES, "length": bench.random.randint(1, longest)}
        for _ in range(count)
    ]


def words_of(requests: list[dict[str, int]]) -> list[int]:
    return [word_at(r["address"] + k * WORD_BYTES) for r in requests for k in range(r["length"])]


@pytest.mark.parametrize(("depth", "longest"), [(2, 2), (5, 5), (16, 7), (64, 64), (80, 64)])
@pytest.mark.parametrize(("put", "memory", "get"), [(0, 0, 0), (0.3, 0.3, 0.3), (0, 0.5, 0), (0, 0, 0.7)])
def test_every_word_in_order(depth: int, longest: int, put: float, memory: float, get: float, seed: int) -> None:
    dut = BurstReader(width=32, depth=depth)
    bench = Bench(dut, seed=seed)
    requests = requests_of(bench, 25, longest)
    model = MemoryModel(bench, dut.memory, latency=bench.random.randint(1, 20), stall=memory)
    bench.source(dut.i, requests, stall=put)
    bench.sink(dut.o, words_of(requests), stall=get)
    busy: list[int] = []

    async def watch(ctx: Any) -> None:
        while True:
            _, _, now = await ctx.tick().sample(dut.busy)
            busy.append(now)

    bench.process(watch)
    bench.run()
    assert model.bursts == [(r["address"], r["length"]) for r in requests]
    assert model.most_outstanding <= depth
    assert model.waits == 0, "a response waited in the memory system"
    assert busy[0] == busy[-1] == 0
    assert sum(busy) >= len(words_of(requests))


@pytest.mark.parametrize("latency", [1, 7, 20])
@pytest.mark.parametrize("length", [1, 4, 16])
@pytest.mark.parametrize("spare", [0, -1])
def test_latency_and_throughput(latency: int, length: int, spare: int) -> None:
    dut = BurstReader(width=32, depth=latency + length + 3 + spare)
    bench = Bench(dut)
    requests = [{"address": 64 * k, "length": length} for k in range(320 // length)]
    MemoryModel(bench, dut.memory, latency=latency)
    source = bench.source(dut.i, requests)
    sink = bench.sink(dut.o, words_of(requests))
    bench.run()
    assert sink.cycles[0] == source.cycles[0] + latency + 3
    one_a_cycle = sink.cycles == list(range(sink.cycles[0], sink.cycles[0] + 320))
    assert one_a_cycle == (spare == 0)


def test_depth() -> None:
    refuses("depth must be at least 1 word, it is 0", lambda: BurstReader(width=32, depth=0))


@pytest.mark.parametrize("width", [16, 48])
def test_width(width: int) -> None:
    message = f"a memory word must be a power of two of at least 32 bits, it is {width}"
    refuses(message, lambda: BurstReader(width=width, depth=4))
