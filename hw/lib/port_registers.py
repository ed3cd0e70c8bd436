"""A block between flip-flops, for timing out of context."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hw.lib.ports import pairs_of

PORT = "port__"  # prefix of the flip-flops' names


class PortRegisters(wiring.Component):
    """`component` with a flip-flop in front of every input and behind every output.

    Out of context nothing constrains a path that begins or ends at a port; with these registers
    every path of the block is one from clock edge to clock edge.
    """

    def __init__(self, component: wiring.Component) -> None:
        self.component = component
        super().__init__(component.signature)

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.block = self.component
        for port, outside, inside in pairs_of(self, self.component):
            register = Signal(len(outside), name=f"{PORT}{port.name}", reset_less=True)
            source, sink = (outside, inside) if port.flow == In else (inside, outside)
            m.d.sync += register.eq(source)
            m.d.comb += sink.eq(register)
        return m
