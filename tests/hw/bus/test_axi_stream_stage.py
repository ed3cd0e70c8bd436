from __future__ import annotations

from typing import Any

import pytest
from amaranth.hdl import Elaboratable, Module
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from golden.errors import InputError
from hw.bus.axi_stream_stage import AxiStreamStage
from hw.descriptions import describe_ports
from hw.lib.join import StreamJoin
from hw.lib.read_arbiter import ReadArbiter
from hw.lib.stream import connect
from tests.hw.lib.simulate import refuses

MARKED = data.StructLayout({"value": 11, "last": 1})


class Stage(wiring.Component):
    """A wire with a setting beside it."""

    def __init__(self, shape: Any = MARKED) -> None:
        super().__init__(
            {
                "i": In(stream.Signature(shape)),  #: what enters
                "o": Out(stream.Signature(shape)),  #: what leaves
                "mode": In(3),  #: a setting
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        connect(m, wiring.flipped(self.i), wiring.flipped(self.o))
        return m


@pytest.mark.parametrize("pause", [1, 3])
def test_payloads_in_whole_bytes(pause: int) -> None:
    """In order, each once, with zeros above them and `tlast` where the payload says."""
    dut = AxiStreamStage(Stage())
    payloads = [(k * 37 % 2048) | (k % 5 == 4) << 11 for k in range(40)]
    got: list[tuple[int, int]] = []

    async def feed(ctx: Any) -> None:
        ctx.set(dut.s_axis_i_tvalid, 1)
        for payload in payloads:
            ctx.set(dut.s_axis_i_tdata, payload | 0xF000)  # what is above counts for nothing
            while True:
                _, _, ready = await ctx.tick().sample(dut.s_axis_i_tready)
                if ready:
                    break
        ctx.set(dut.s_axis_i_tvalid, 0)

    async def take(ctx: Any) -> None:
        for cycle in range(400):
            ctx.set(dut.m_axis_o_tready, cycle % pause == 0)
            _, _, valid, bits, last = await ctx.tick().sample(
                dut.m_axis_o_tvalid, dut.m_axis_o_tdata, dut.m_axis_o_tlast
            )
            if valid and cycle % pause == 0:
                got.append((bits, last))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(feed)
    simulator.add_testbench(take)
    simulator.run()
    assert got == [(payload, payload >> 11) for payload in payloads]


def test_every_port_is_described() -> None:
    dut = AxiStreamStage(Stage(8))
    Simulator(dut)  # it is used
    lines = describe_ports(dut)
    assert lines[("mode",)] == "mode: a setting"
    assert lines[("s_axis_i_tdata",)].startswith("s_axis_i_tdata: what enters; the payload")
    assert all(lines.values())


def test_borders_that_are_none() -> None:
    refuses(
        "the border of ReadArbiter is no plain stream at",
        lambda: AxiStreamStage(ReadArbiter(width=32, count=2)),
        InputError,
    )
    dut = AxiStreamStage(StreamJoin(shapes={"a": 3, "b": 4}))
    Simulator(dut)  # it is used
    assert {port.name for port in dut.streams} == {"i_a", "i_b", "o"}
