"""A table of bytes, and counts of faults."""

from __future__ import annotations

import random

import pytest
from amaranth.sim import Simulator

from fpga.link.byte_table import ByteTable
from fpga.link.fault_counters import FaultCounters
from tests.hw.lib.simulate import refuses


@pytest.mark.parametrize("size", [1, 15, 16, 17, 100])
def test_every_byte_is_found(size: int) -> None:
    """One index a cycle, each answered `latency` cycles later."""
    dut, data = ByteTable(size=size), random.Random(size).randbytes(size)
    found: list[int] = []

    async def run(ctx) -> None:
        ctx.set(dut.values, int.from_bytes(data, "little"))
        for index in [*range(size), *[0] * dut.latency]:
            ctx.set(dut.index, index)
            found.append((await ctx.tick().sample(dut.o))[2])

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(run)
    simulator.run()
    assert bytes(found[dut.latency :]) == data


def test_an_empty_table_is_refused() -> None:
    refuses("size must be at least 1, it is 0", lambda: ByteTable(size=0))


def test_faults_are_counted_each_by_itself_and_not_beyond_the_highest() -> None:
    dut = FaultCounters(width=4)

    async def run(ctx) -> None:
        ctx.set(dut.strobes.lost, 1)
        await ctx.tick().repeat(3)
        ctx.set(dut.strobes, {"bad_crc": 1, "timed_out": 1})
        await ctx.tick().repeat(20)
        ctx.set(dut.strobes, {})
        await ctx.tick()
        counts = {name: ctx.get(dut.counts[name]) for name in dut.counts.shape().members}
        assert counts == {"framing": 0, "lost": 3, "bad_crc": 15, "bad_length": 0, "timed_out": 15}
        ctx.set(dut.clear, 1)
        await ctx.tick()
        assert not ctx.get(dut.counts.as_value())

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(run)
    simulator.run()
