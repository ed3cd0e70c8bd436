from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from amaranth.hdl import Elaboratable, Module
from amaranth.lib import wiring

from golden.errors import InputError
from hw.bus.axi import PAGE_BYTES, Response
from hw.bus.axi_reader import AxiReader
from hw.bus.config import BusConfig
from hw.lib.ports import forward
from tests.hw.bus.axi_slave import AxiSlave
from tests.hw.lib.bench import Bench, ticks
from tests.hw.lib.memory_model import word_at
from tests.hw.lib.simulate import refuses

WIDTH = 64


class Alone(wiring.Component):
    """A reader that nothing was written before."""

    def __init__(self, bus: BusConfig) -> None:
        self.reader = AxiReader(width=WIDTH, bus=bus)
        names = ("memory", "stop", "ar", "r", "idle", "failed", "response", "address")
        self.names = names
        super().__init__({name: self.reader.signature.members[name] for name in names})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.reader = reader = self.reader
        forward(m, self, reader, self.names)
        m.d.comb += reader.order.clear.eq(1)
        return m


def words(request: dict[str, int], width: int) -> list[dict[str, int]]:
    """The answer to a request, of beats as `word_at` has them."""
    beats, step = WIDTH // width, width // 8
    return [
        {
            "data": sum(word_at(request["address"] + 8 * k + step * j) << width * j for j in range(beats)),
            "last": int(k == request["length"] - 1),
        }
        for k in range(request["length"])
    ]


def requests(bench: Bench, count: int) -> list[dict[str, int]]:
    """Some of them across one or two pages' ends."""
    return [
        {
            "address": bench.random.randrange(1, 9) * PAGE_BYTES - 8 * bench.random.choice([0, 1, 9, 63, 64, 99]),
            "length": bench.random.choice([1, 2, 17, 64]),
        }
        for _ in range(count)
    ]


@pytest.mark.parametrize(
    ("width", "beats", "latency", "slave", "get"),
    [(64, 256, 0, 0, 0), (32, 16, 0, 0, 0), (64, 16, 9, 0.3, 0.3), (32, 256, 9, 0.3, 0.3), (64, 256, 2, 0, 0.6)],
)
def test_every_word_once_and_in_order(
    width: int, beats: int, latency: int, slave: float, get: float, seed: int
) -> None:
    dut = Alone(BusConfig(width=width, beats=beats))
    bench = Bench(dut, seed=seed)
    model = AxiSlave(
        bench, dut, width=width, latency=latency, stall=slave, contents=lambda a: word_at(a) % (1 << width)
    )
    asked = requests(bench, 12)
    bench.source(dut.memory.request, asked, stall=get / 2)
    expected = [word for request in asked for word in words(request, width)]
    bench.sink(dut.memory.response, expected, stall=get)
    bench.run()
    assert max(n for _, n in model.reads) <= beats
    assert sum(n for _, n in model.reads) == len(expected) * WIDTH // width


def test_latency_and_throughput() -> None:
    """A burst is offered in the cycle after its request, one a cycle; a beat takes none."""
    dut = Alone(BusConfig())
    bench = Bench(dut)
    AxiSlave(bench, dut, width=WIDTH, latency=6, contents=word_at)
    asked = [{"address": 8 * k, "length": 1} for k in range(40)]
    source = bench.source(dut.memory.request, asked)
    sink = bench.sink(dut.memory.response, [word for request in asked for word in words(request, WIDTH)])
    offered: list[int] = []
    came: list[int] = []

    async def watch(ctx: Any) -> None:
        while True:
            _, _, cycle, ar, r = await ctx.tick().sample(bench.cycle, dut.ar.valid & dut.ar.ready, dut.r.valid)
            offered.extend([cycle] * ar)
            came.extend([cycle] * r)

    bench.process(watch)
    bench.run()
    assert offered == [cycle + 1 for cycle in source.cycles]
    assert came == sink.cycles
    assert {b - a for a, b in pairwise(sink.cycles)} == {1}


def test_no_more_bursts_than_allowed() -> None:
    dut = Alone(BusConfig(reads=3))
    bench = Bench(dut)
    model = AxiSlave(bench, dut, width=WIDTH, latency=30)
    bench.source(dut.memory.request, [{"address": 8 * k, "length": 1} for k in range(9)])
    bench.sink(dut.memory.response, 9)
    bench.run()
    assert model.most_under_way == 3


@pytest.mark.parametrize("width", [64, 32])
@pytest.mark.parametrize("response", [Response.SLVERR, Response.DECERR])
def test_nothing_follows_an_error(width: int, response: Response) -> None:
    """The words before it arrive, none after; the burst is named, and the bus comes to rest."""
    dut = Alone(BusConfig(width=width))
    bench = Bench(dut)
    AxiSlave(bench, dut, width=width, latency=3, fails={256: response})
    bench.source(dut.memory.request, [{"address": 128 * k, "length": 4} for k in range(4)])
    sink = bench.sink(dut.memory.response, 8)
    ends: list[tuple[int, int, int, int]] = []

    async def watch(ctx: Any) -> None:
        await ticks(ctx, 80)
        ends.append((ctx.get(dut.failed), ctx.get(dut.response), ctx.get(dut.address), ctx.get(dut.idle)))

    bench.process(watch)
    bench.run(drain=100)
    assert [word["last"] for word in sink.values] == [0, 0, 0, 1] * 2
    assert ends == [(1, response, 256, 1)]


def test_stop_drains() -> None:
    """What is under way when `stop` rises is dropped, and then the bus is idle."""
    dut = Alone(BusConfig())
    bench = Bench(dut)
    AxiSlave(bench, dut, width=WIDTH, latency=20)
    bench.source(dut.memory.request, [{"address": 0, "length": 8}] * 2)
    idle: list[int] = []

    async def stop(ctx: Any) -> None:
        await ticks(ctx, 10)
        ctx.set(dut.stop, 1)
        await ticks(ctx, 5)
        idle.append(ctx.get(dut.idle))
        await ticks(ctx, 40)
        idle.append(ctx.get(dut.idle))

    bench.process(stop)
    bench.run(drain=60)
    assert idle == [0, 1]


def test_parameters() -> None:
    refuses(
        "width must not exceed the memory word's 64", lambda: AxiReader(width=64, bus=BusConfig(width=128)), InputError
    )
    refuses(
        "beats must be at least 2, those of a memory word",
        lambda: AxiReader(width=64, bus=BusConfig(width=32, beats=1)),
        InputError,
    )
    refuses("beats must lie in 1..256, it is 512", lambda: BusConfig(beats=512), InputError)
    refuses("width must be 0 or at least 32, it is 16", lambda: BusConfig(width=16), InputError)
