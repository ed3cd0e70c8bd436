"""Datapaths that take data once in several cycles."""

from __future__ import annotations

import random
from typing import Any

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Elaboratable, Module, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from hw.lib.paced import in_turn, paced_pipe, still, turn_port, turns
from hw.lib.pipe import Pipe, Staged
from hw.lib.stream_pipeline import StreamPipeline
from tests.hw.lib.bench import Bench
from tests.hw.lib.simulate import refuses

COUNT = 5


class Squares(wiring.Component):
    """o[k] = i[k]·i[k] + i[0] for all k, `first` = i[0]; a square takes 3 cycles, of which one is a wait."""

    def __init__(self, *, interval: int) -> None:
        self.interval = interval
        self.latency = 4 + turns(COUNT, interval)
        results = {"first": signed(8), "squares": data.ArrayLayout(signed(17), COUNT)}
        super().__init__(
            {
                **turn_port(interval),
                "i": In(data.ArrayLayout(signed(8), COUNT)),
                "o": Out(data.StructLayout(results)),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = paced_pipe(m, platform, self)
        numbers = [p.source(self.i[k], f"number_{k}") for k in range(COUNT)]

        def square(v: Staged, more: Staged, name: str) -> Staged:
            product = p.stage(lambda x: x * x, v, name=f"product_{name}")
            slow = p.stage(lambda x: x, product, name=f"slow_{name}")
            return p.stage(lambda x, y: x + y, slow, more, name=f"square_{name}")

        made = in_turn(p, square, [(v, numbers[0]) for v in numbers], "abcde")
        last = [p.stage(lambda v: v, item, name="last") for item in made]
        when = max(item.stage for item in last)
        first = Staged(p.at(numbers[0], when), when, "first")
        p.finish(self.o, when, first=first, squares=p.join(last, "squares"))
        return m


@pytest.mark.parametrize("interval", [1, 2, 4, 8])
@pytest.mark.parametrize(("put", "get"), [(0, 0), (0.4, 0), (0.2, 0.5)])
def test_every_set_has_its_result(interval: int, put: float, get: float, seed: int, rng: random.Random) -> None:
    """However many circuits there are; one payload in `interval` cycles, and nothing of one in another."""
    unit = Squares(interval=interval)
    dut = StreamPipeline(unit, interval=interval)
    bench = Bench(dut, seed=seed)
    rows = [[rng.randrange(-128, 128) for _ in range(COUNT)] for _ in range(60)]
    source = bench.source(dut.i, rows, stall=put)
    sink = bench.sink(dut.o, [{"first": r[0], "squares": [v * v + r[0] for v in r]} for r in rows], stall=get)
    bench.run(drain=4 * unit.latency)
    if not put + get:
        assert source.cycles == list(range(0, 60 * interval, interval))
        latest = 4 + turns(COUNT, interval) if interval in (1, 8) else None
        assert latest is None or {o - i for i, o in zip(source.cycles, sink.cycles, strict=True)} == {latest + 2}


def test_circuits_are_shared() -> None:
    for interval, circuits in ((1, 5), (2, 3), (4, 2), (8, 1)):
        unit = Squares(interval=interval)
        unit.latency = 0
        assert rtlil.convert(unit).count("cell $mul") == circuits


def test_operands_of_a_place_have_one_shape() -> None:
    def build() -> Any:
        m = Module()
        p = Pipe(m, None, interval=2, turn=Value.cast(0))
        sets = [(p.source(Value.cast(k), f"item_{k}"),) for k in (1, 7)]
        return in_turn(p, lambda v, name: p.stage(lambda x: x, v, name=name), sets, "ab")

    refuses("a: operands 0 have different shapes", build)


@pytest.mark.parametrize("interval", [1, 4])
@pytest.mark.parametrize("stage", [1, 5])
def test_still_values(interval: int, stage: int, rng: random.Random) -> None:
    """What entered at turn 0, from the cycle after `stage` on for an interval; without one, in that cycle alone."""
    m = Module()
    i, turn = Signal(8), Signal(range(4))
    p = Pipe(m, None, interval=interval, turn=turn if interval > 1 else None)
    item = still(p, p.stage(lambda v: v, p.source(i, "i"), name="number"), stage)
    assert item.stage == stage + (interval > 1)
    o = Signal.like(item.value)
    m.d.comb += o.eq(item.value)
    values = [rng.getrandbits(8) for _ in range(40)]
    got: list[int] = []

    async def bench(ctx: Any) -> None:
        for cycle, value in enumerate(values):
            ctx.set(turn, cycle % interval)
            ctx.set(i, value)
            got.append(ctx.get(o))
            await ctx.tick()

    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    for cycle in range(item.stage, len(values)):
        entered = (cycle - item.stage) // interval * interval
        assert got[cycle] == values[entered], cycle
