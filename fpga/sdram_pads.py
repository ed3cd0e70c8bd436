"""The pads of an ECP5 that an SDRAM hangs on."""

# Amaranth's ports are attributes made at run time.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportCallIssue=false

from __future__ import annotations

from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, Const, Elaboratable, Instance, Module, Signal, Value
from amaranth.lib import io, wiring
from amaranth.lib.wiring import In

from fpga.sdram_layouts import SdramPins
from fpga.sdram_timing import DATA_BITS


class SdramPads(wiring.Component):
    """Joins a controller to the chip, whose clock is ours turned over, so that it sees what stands in mid-cycle.

    All that goes out, the clock too, leaves from a register in its pad, so that one delay is common to all. At 50 MHz
    half a cycle is 10 ns: of these the chip wants 1.5 before its edge and 0.8 behind it, for commands and for data.

    What it reads stands on its pins from 6 ns after its edge to 2.5 ns after the next one. Its edge comes 10 ns after
    ours, and some 3 to 8 ns go by in pads and on the board, there and back. So at ours the data stands from 24 ns at
    the latest to 35 ns at the earliest: our rising edges at 20 and 40 ns both miss it, the falling one at 30 ns is in
    the middle. So data is taken at the falling edge, and by the controller at the rising one behind it.
    """

    def __init__(self, port: Any) -> None:
        self.port = port
        super().__init__({"pins": In(SdramPins())})  #: the controller's

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        pins, port = self.pins, self.port
        outputs = {
            "ras": pins.ras, "cas": pins.cas, "we": pins.we, "ba": pins.bank, "a": pins.address,
            "dqm": pins.mask.replicate(len(port.dqm)), "cs": Const(1), "clk_en": Const(1),
        }  # fmt: skip
        for name, value in outputs.items():
            m.submodules[name] = pad = io.FFBuffer("o", getattr(port, name))
            m.d.comb += pad.o.eq(value)
        m.submodules.clk = clock = io.DDRBuffer("o", port.clk)
        m.d.comb += [clock.o[0].eq(0), clock.o[1].eq(1)]
        seen = Signal(DATA_BITS)
        for k in range(DATA_BITS):
            m.submodules[f"dq_{k}"] = Instance(
                "BB",
                i_I=_at_pad(m, f"data_{k}", pins.write_data[k]),
                i_T=_at_pad(m, f"rest_{k}", ~pins.drive),
                o_O=seen[k],
                io_B=port.dq.io[k],
            )
        m.domains.falling = ClockDomain(local=True, clk_edge="neg", reset_less=True)
        m.d.comb += ClockSignal("falling").eq(ClockSignal())
        m.d.falling += pins.read_data.eq(seen)
        return m


def _at_pad(m: Module, name: str, value: Value) -> Signal:
    """The value behind a register of the pad's own."""
    q = Signal(name=name)
    m.submodules[f"{name}_ff"] = Instance(
        "OFS1P3DX", i_SCLK=ClockSignal(), i_SP=Const(1), i_CD=Const(0), i_D=value, o_Q=q
    )  # fmt: skip
    return q
