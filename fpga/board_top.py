"""A top on a board: clock, lights and serial line joined to its pins."""

# Amaranth's ports are attributes made at run time.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

from __future__ import annotations

from amaranth.build import Platform
from amaranth.hdl import ClockDomain, ClockSignal, Const, Elaboratable, Instance, Module, ResetSignal
from amaranth.lib import io, wiring
from amaranth.lib.cdc import ResetSynchronizer

from fpga.boards import Board
from fpga.pll import Pll
from fpga.sdram_pads import SdramPads


class BoardTop(Elaboratable):
    """`top` on `board`, with the PLL's clock; its reset ends two cycles after the PLL has locked.

    Its output `send`, and its input `receive` if it has one, are the serial line; its outputs that are called as lights
    of the board are `run`, `passed` and `failed`. Its port `pins`, if it has one, is the SDRAM's.
    """

    def __init__(self, *, top: wiring.Component, board: Board) -> None:
        self.top, self.board = top, board

    def elaborate(self, platform: Platform) -> Elaboratable:
        m = Module()
        m.submodules.top = self.top
        m.submodules.pll = pll = Pll(settings=self.board.pll)
        m.submodules.clock_pin = oscillator = io.Buffer("i", platform.request(platform.default_clk, dir="-"))
        m.domains.sync = ClockDomain()
        m.domains.before = ClockDomain(local=True)  # the same clock, with the reset before its global buffer
        m.submodules.reset = ResetSynchronizer(~pll.locked, domain="before")
        m.submodules.reset_buffer = Instance(
            "DCCA", i_CLKI=ResetSignal("before"), i_CE=Const(1), o_CLKO=ResetSignal()
        )  # fmt: skip
        m.d.comb += [pll.i.eq(oscillator.i), ClockSignal().eq(pll.o), ClockSignal("before").eq(pll.o)]
        self._serial(m, platform)
        self._lights(m, platform)
        if "pins" in self.top.signature.members:
            m.submodules.sdram = sdram = SdramPads(platform.request("sdram", 0, dir="-"))
            wiring.connect(m, self.top.pins, sdram.pins)
        return m

    def _lights(self, m: Module, platform: Platform) -> None:
        """Several lights may be parts of one resource, which can be asked for once."""
        lights = {name: light for name, light in self.board.lights.items() if name in self.top.signature.members}
        asked = {place: platform.request(*place, dir="-") for place in {light[:2] for light in lights.values()}}
        for name, (resource, number, part) in lights.items():
            port = asked[resource, number]
            m.submodules[f"{name}_pin"] = pin = io.Buffer("o", port if part is None else getattr(port, part))
            m.d.comb += pin.o.eq(getattr(self.top, name))

    def _serial(self, m: Module, platform: Platform) -> None:
        uart = platform.request("uart", 0, dir="-")
        m.submodules.send_pin = send = io.Buffer("o", uart.tx)
        m.d.comb += send.o.eq(self.top.send)
        if "receive" in self.top.signature.members:
            m.submodules.receive_pin = receive = io.Buffer("i", uart.rx)
            m.d.comb += self.top.receive.eq(receive.i)
