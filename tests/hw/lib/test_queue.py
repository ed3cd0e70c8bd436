from __future__ import annotations

from typing import Any

import pytest
from amaranth.hdl import signed
from amaranth.lib import data
from amaranth.sim import Simulator

from hw.lib.queue import StreamQueue
from tests.hw.lib.bench import Bench, ticks
from tests.hw.lib.simulate import assert_independent, refuses

DEPTHS = [1, 2, 3, 4, 33]


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize(("put", "get"), [(0, 0), (0.6, 0), (0, 0.6), (0.4, 0.4)])
def test_passes_everything_in_order(depth: int, put: float, get: float, seed: int) -> None:
    dut = StreamQueue(shape=data.StructLayout({"a": signed(5), "b": 11}), depth=depth)
    bench = Bench(dut, seed=seed)
    values = [{"a": bench.random.randrange(-16, 16), "b": k} for k in range(150)]
    bench.source(dut.i, values, stall=put)
    bench.sink(dut.o, values, stall=get)
    bench.run()


@pytest.mark.parametrize("depth", DEPTHS)
def test_latency_and_throughput(depth: int) -> None:
    dut = StreamQueue(shape=8, depth=depth)
    bench = Bench(dut)
    source = bench.source(dut.i, range(60))
    sink = bench.sink(dut.o, range(60))
    bench.run()
    assert sink.cycles[0] - source.cycles[0] == min(depth, 2)
    if depth == 1:
        assert sink.cycles[59] - sink.cycles[0] == 59 * 2
    elif depth == 2:
        assert sink.cycles[58] - sink.cycles[0] == 58 * 3 // 2
    else:
        assert sink.cycles == list(range(sink.cycles[0], sink.cycles[0] + 60))


@pytest.mark.parametrize("depth", DEPTHS)
def test_takes_payloads_up_to_its_depth_without_a_pause(depth: int) -> None:
    dut = StreamQueue(shape=8, depth=depth)

    async def fill_and_empty(ctx: Any) -> None:
        for held in range(depth):
            ctx.set(dut.i.payload, held)
            ctx.set(dut.i.valid, 1)
            assert ctx.get(dut.i.ready)
            await ctx.tick()
            assert ctx.get(dut.level) == held + 1
        await ticks(ctx, 3)
        assert not ctx.get(dut.i.ready)
        assert ctx.get(dut.level) == depth
        ctx.set(dut.i.valid, 0)
        ctx.set(dut.o.ready, 1)
        for held in reversed(range(depth)):
            assert ctx.get(dut.o.valid)
            assert ctx.get(dut.o.payload) == depth - 1 - held
            await ctx.tick()
            assert ctx.get(dut.level) == held
        assert not ctx.get(dut.o.valid)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(fill_and_empty)
    simulator.run()


@pytest.mark.parametrize("depth", DEPTHS)
def test_level_counts_what_it_holds(depth: int, seed: int) -> None:
    dut = StreamQueue(shape=8, depth=depth)
    bench = Bench(dut, seed=seed)
    bench.source(dut.i, range(150), stall=0.3)
    bench.sink(dut.o, range(150), stall=0.4)

    async def watch(ctx: Any) -> None:
        held = 0
        while True:
            _, _, level, put, get = await ctx.tick().sample(
                dut.level, dut.i.valid & dut.i.ready, dut.o.valid & dut.o.ready
            )
            assert level == held
            held += put - get

    bench.process(watch)
    bench.run()


def test_both_ends_are_registered(seed: int) -> None:
    dut = StreamQueue(shape=8, depth=3)
    inputs = [dut.i.valid, dut.i.payload, dut.o.ready]
    assert_independent(dut, [dut.i.ready, dut.o.valid, dut.o.payload, dut.level], inputs, seed=seed)


def test_reset_empties_it() -> None:
    dut = StreamQueue(shape=8, depth=4)
    bench = Bench(dut)

    async def run(ctx: Any) -> None:
        ctx.set(dut.i.payload, 7)
        ctx.set(dut.i.valid, 1)
        await ticks(ctx, 3)
        ctx.set(dut.i.valid, 0)
        ctx.set(bench.reset, 1)
        await ctx.tick()
        ctx.set(bench.reset, 0)
        assert (ctx.get(dut.o.valid), ctx.get(dut.level), ctx.get(dut.i.ready)) == (0, 0, 1)

    bench.process(run)
    bench.run(drain=8)


def test_depth() -> None:
    refuses("depth must be at least 1, it is 0", lambda: StreamQueue(shape=8, depth=0))
