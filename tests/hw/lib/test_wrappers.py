from __future__ import annotations

from typing import Any

import pytest
from amaranth.hdl import Elaboratable, Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from hw.lib.checked import Checked
from hw.lib.port_registers import PortRegisters


class Doubler(wiring.Component):
    """Twice a number, and a stream that passes through unless it is muted."""

    def __init__(self) -> None:
        super().__init__(
            {
                "number": In(8),
                "double": Out(9),
                "mute": In(1),
                "i": In(stream.Signature(4)),
                "o": Out(stream.Signature(4)),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.d.comb += [
            self.double.eq(self.number << 1),
            self.o.payload.eq(self.i.payload),
            self.o.valid.eq(self.i.valid & ~self.mute),
            self.i.ready.eq(self.o.ready),
        ]
        return m


def simulate(dut: wiring.Component, bench: Any) -> None:
    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


def test_registers_stand_on_both_sides() -> None:
    """A number comes two cycles later: one register before the block, one behind it, on every port."""
    dut = PortRegisters(Doubler())
    seen: list[tuple[int, int]] = []

    async def bench(ctx: Any) -> None:
        for value in (3, 200, 7, 0, 0):
            ctx.set(dut.number, value)
            ctx.set(dut.i.valid, value == 200)
            seen.append((ctx.get(dut.double), ctx.get(dut.o.valid)))
            await ctx.tick()

    simulate(dut, bench)
    assert seen == [(0, 0), (0, 0), (6, 0), (400, 1), (14, 0)]


@pytest.mark.parametrize("port", ["i", "o"])
def test_a_checked_component_is_watched_on_every_stream(port: str) -> None:
    """Values pass in the same cycle; a withdrawn payload stops the run, and the message names the port."""
    dut = Checked(Doubler())

    async def bench(ctx: Any) -> None:
        ctx.set(dut.number, 5)
        assert ctx.get(dut.double) == 10
        for there in (1, 1, 0, 0):
            # Of the stream that is not to break, nothing is seen, or everything stays.
            ctx.set(dut.i.valid, there if port == "i" else 1)
            ctx.set(dut.mute, 1 if port == "i" else 1 - there)
            await ctx.tick()

    with pytest.raises(AssertionError, match=f" {port}: valid was withdrawn"):
        simulate(dut, bench)
