from __future__ import annotations

import random
from typing import Any

from amaranth.hdl import Elaboratable, Module, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from hw.lib.counters import COUNTER_WIDTH, CounterLayout, count
from tests.hw.lib.simulate import refuses

LAYOUT = CounterLayout({"cycles": "cycles", "bytes": "bytes moved"})


class Counted(wiring.Component):
    """Counts its inputs."""

    def __init__(self) -> None:
        super().__init__({"amount": In(7), "clear": In(1), "counters": Out(LAYOUT, init={"bytes": (1 << 40) - 200})})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        count(m, self.counters, {"cycles": Value.cast(1), "bytes": self.amount}, clear=self.clear)
        return m


def test_counts_wraps_and_clears(rng: random.Random) -> None:
    dut = Counted()

    async def run(ctx: Any) -> None:
        expected = {"cycles": 0, "bytes": (1 << COUNTER_WIDTH) - 200}
        waiting = {"cycles": 0, "bytes": 0}
        clearing = False
        for _ in range(200):
            amount, clear = rng.getrandbits(7), rng.random() < 0.02
            ctx.set(dut.amount, amount)
            ctx.set(dut.clear, clear)
            assert {name: ctx.get(dut.counters[name]) for name in expected} == expected
            await ctx.tick()
            for name, event in (("cycles", 1), ("bytes", amount)):
                expected[name] = 0 if clearing else (expected[name] + waiting[name]) % (1 << COUNTER_WIDTH)
                waiting[name] = event
            clearing = clear

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(run)
    simulator.run()


def test_layout_keeps_its_descriptions() -> None:
    assert LAYOUT.descriptions == {"cycles": "cycles", "bytes": "bytes moved"}
    assert LAYOUT.size == 2 * COUNTER_WIDTH


def test_counters_and_events_are_the_same_set() -> None:
    counters = Signal(LAYOUT)
    refuses("['bytes']", lambda: count(Module(), counters, {"cycles": Signal()}, clear=Signal()), KeyError)
    events = {"cycles": Signal(), "bytes": Signal(signed(4))}
    refuses("event bytes must be unsigned", lambda: count(Module(), counters, events, clear=Signal()), TypeError)
