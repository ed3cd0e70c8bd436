from __future__ import annotations

from typing import Any

import pytest
from amaranth.hdl import Elaboratable, Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.pipe import Pipe
from hw.lib.stream_pipeline import StreamPipeline
from tests.hw.lib.bench import Bench, ticks
from tests.hw.lib.simulate import refuses


class Triple(wiring.Component):
    """o = {3·i, i is even}, after any number of cycles."""

    def __init__(self, *, latency: int) -> None:
        self.latency = latency
        super().__init__({"i": In(10), "o": Out(data.StructLayout({"value": 12, "even": 1}))})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        result = p.stage(lambda i: 3 * i, p.source(self.i, "i"), name="value")
        even = p.stage(lambda i: ~i[0], p.source(self.i, "i"), name="even")
        m.d.comb += [
            self.o.value.eq(p.at(result, self.latency)),
            self.o.even.eq(p.at(even, self.latency)),
        ]
        return m


def results(values: range, *, keep: bool) -> list[dict[str, int]]:
    return [{"value": 3 * v, "even": int(v % 2 == 0)} for v in values if not keep or v % 2 == 0]


@pytest.mark.parametrize("latency", [1, 2, 9])
@pytest.mark.parametrize("depth", [2, 3, 5, None])
@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize(("put", "get"), [(0, 0), (0.5, 0), (0, 0.6), (0.3, 0.3)])
def test_order_and_number(latency: int, depth: int | None, keep: bool, put: float, get: float, seed: int) -> None:
    dut = StreamPipeline(Triple(latency=latency), depth=depth, keep="even" if keep else None)
    bench = Bench(dut, seed=seed)
    bench.source(dut.i, range(120), stall=put)
    bench.sink(dut.o, results(range(120), keep=keep), stall=get)
    bench.run(drain=latency + 6)


@pytest.mark.parametrize("latency", [1, 4, 9])
@pytest.mark.parametrize("spare", [-2, -1, 0, 1])
def test_latency_and_throughput(latency: int, spare: int) -> None:
    turn = latency + 3  # cycles until a credit is back
    depth = turn + spare
    dut = StreamPipeline(Triple(latency=latency), depth=depth)
    bench = Bench(dut)
    source = bench.source(dut.i, range(10 * turn))
    sink = bench.sink(dut.o, results(range(10 * turn), keep=False))
    bench.run()
    assert [out - into for into, out in zip(source.cycles, sink.cycles, strict=True)] == [latency + 2] * 10 * turn
    assert source.cycles == [k // min(depth, turn) * turn + k % min(depth, turn) for k in range(10 * turn)]


def test_the_default_depth_keeps_up() -> None:
    dut = StreamPipeline(Triple(latency=6))
    bench = Bench(dut)
    source = bench.source(dut.i, range(60))
    bench.sink(dut.o, 60)
    bench.run()
    assert source.cycles == list(range(60))


@pytest.mark.parametrize("depth", [2, 3, 7, 20])
def test_capacity(depth: int) -> None:
    dut = StreamPipeline(Triple(latency=5), depth=depth)
    bench = Bench(dut, deadline=100)
    source = bench.source(dut.i, range(depth + 1))
    with pytest.raises(AssertionError, match=f"{depth} payloads, expected {depth + 1}"):
        bench.run()
    assert source.cycles == list(range(depth))


def test_dropped_payloads_give_their_place_back() -> None:
    dut = StreamPipeline(Triple(latency=3), depth=4, keep="even")
    bench = Bench(dut)
    source = bench.source(dut.i, range(1, 101, 2))
    bench.sink(dut.o, [])
    bench.run(drain=20)
    # A credit comes back one cycle after its payload has arrived: 4 payloads in 4 cycles.
    assert source.cycles == list(range(50))


def test_reset_leaves_nothing_behind() -> None:
    """Data under way, in registers and in rings of the datapath, never comes out after a reset."""
    dut = StreamPipeline(Triple(latency=12))
    bench = Bench(dut)

    async def run(ctx: Any) -> None:
        ctx.set(dut.i.payload, 1001)
        ctx.set(dut.i.valid, 1)
        ctx.set(dut.o.ready, 0)
        await ticks(ctx, 20)
        ctx.set(dut.i.valid, 0)
        ctx.set(bench.reset, 1)
        await ctx.tick()
        ctx.set(bench.reset, 0)
        ctx.set(dut.o.ready, 1)
        got: list[int] = []
        for cycle in range(40):
            ctx.set(dut.i.payload, cycle)
            ctx.set(dut.i.valid, cycle < 10)
            _, _, valid, value = await ctx.tick().sample(dut.o.valid, dut.o.payload.value)
            got.extend([value] * valid)
        assert got == [3 * k for k in range(10)]

    bench.process(run)
    bench.run(drain=70)


def test_parameters() -> None:
    message = "depth must be at least 1, it is 0"
    refuses(message, lambda: StreamPipeline(Triple(latency=1), depth=0))
    message = "the datapath's latency must be at least 1, it is 0"
    refuses(message, lambda: StreamPipeline(Triple(latency=0)))
