from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from amaranth.hdl import Elaboratable, Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.burst_reader import BurstReader
from hw.lib.memory_port import ReadRequestLayout, ReadSignature
from hw.lib.read_arbiter import ReadArbiter
from tests.hw.lib.bench import Bench
from tests.hw.lib.memory_model import MemoryModel, word_at
from tests.hw.lib.simulate import refuses


class Readers(wiring.Component):
    """Burst readers on one memory port, as an engine uses them."""

    def __init__(self, *, count: int, depth: int, outstanding: int) -> None:
        self.arbiter = ReadArbiter(width=32, count=count, outstanding=outstanding)
        self.readers = [BurstReader(width=32, depth=depth) for _ in range(count)]
        super().__init__(
            {
                "i": In(stream.Signature(ReadRequestLayout())).array(count),
                "o": Out(stream.Signature(32)).array(count),
                "memory": Out(ReadSignature(32)),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.arbiter = self.arbiter
        for k, reader in enumerate(self.readers):
            m.submodules[f"reader_{k}"] = reader
            wiring.connect(m, wiring.flipped(self.i[k]), reader.i)
            wiring.connect(m, reader.o, wiring.flipped(self.o[k]))
            wiring.connect(m, reader.memory, self.arbiter.clients[k])
        wiring.connect(m, self.arbiter.memory, wiring.flipped(self.memory))
        return m


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("outstanding", [2, 64])
@pytest.mark.parametrize("latency", [1, 2, 11])
@pytest.mark.parametrize(("memory", "get"), [(0, 0), (0.4, 0), (0.2, 0.5)])
def test_each_client_gets_its_own_words(
    count: int, outstanding: int, latency: int, memory: float, get: float, seed: int
) -> None:
    dut = Readers(count=count, depth=12, outstanding=outstanding)
    bench = Bench(dut, seed=seed)
    model = MemoryModel(bench, dut.memory, latency=latency, stall=memory)
    for k in range(count):
        requests = [
            {"address": k << 24 | bench.random.getrandbits(16) << 2, "length": bench.random.randint(1, 9)}
            for _ in range(20)
        ]
        words = [word_at(r["address"] + 4 * j) for r in requests for j in range(r["length"])]
        bench.source(dut.i[k], requests, stall=0.3)
        bench.sink(dut.o[k], words, stall=get)
    bench.run()
    # The owner of a burst is known 2 cycles after its request has left.
    assert model.waits == 0 or latency < 2
    assert model.most_outstanding <= 12 * count


def test_takes_turns_burst_by_burst() -> None:
    dut = Readers(count=3, depth=64, outstanding=64)
    bench = Bench(dut)
    model = MemoryModel(bench, dut.memory, latency=4)
    for k in range(3):
        bench.source(dut.i[k], [{"address": k << 24, "length": 4}] * 10)
        bench.sink(dut.o[k], 40)
    bench.run()
    owners = [address >> 24 for address, _ in model.bursts]
    assert owners[3:27] == [0, 1, 2] * 8
    assert sorted(owners) == [0] * 10 + [1] * 10 + [2] * 10


def test_latency_and_throughput() -> None:
    dut = ReadArbiter(width=32, count=2)
    bench = Bench(dut)
    model = MemoryModel(bench, dut.memory, latency=3)
    requests = bench.source(dut.clients[1].request, [{"address": 4 * k, "length": 1} for k in range(60)])
    words = bench.sink(dut.clients[1].response, [{"data": word_at(4 * k), "last": 1} for k in range(60)])
    bench.sink(dut.clients[0].response, [])
    left: list[int] = []

    async def watch(ctx: Any) -> None:
        while True:
            _, _, cycle, moves = await ctx.tick().sample(bench.cycle, dut.memory.request.valid)
            left.extend([cycle] * moves)

    bench.process(watch)
    bench.run()
    assert left == [cycle + 1 for cycle in requests.cycles] == list(range(1, 61))
    assert all(b - a == 1 for a, b in pairwise(words.cycles))
    assert model.waits == 0


def test_outstanding_bursts_are_limited() -> None:
    dut = ReadArbiter(width=32, count=2, outstanding=3)
    bench = Bench(dut)
    model = MemoryModel(bench, dut.memory, latency=30)
    bench.source(dut.clients[0].request, [{"address": 4 * k, "length": 1} for k in range(9)])
    bench.sink(dut.clients[0].response, 9)
    bench.run()
    assert model.most_outstanding == 3


def test_parameters() -> None:
    refuses("count must be at least 2, it is 1", lambda: ReadArbiter(width=32, count=1))
    refuses("outstanding must be at least 2, it is 1", lambda: ReadArbiter(width=32, count=2, outstanding=1))
