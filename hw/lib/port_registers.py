"""A block between flip-flops, for timing out of context."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

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
        for (path, member, outer), (_, _, inner) in zip(
            self.signature.flatten(self), self.component.signature.flatten(self.component), strict=True
        ):
            register = Signal(len(Value.cast(outer)), name=f"{PORT}{'__'.join(map(str, path))}", reset_less=True)
            source, sink = (outer, inner) if member.flow == In else (inner, outer)
            m.d.sync += register.eq(Value.cast(source))
            m.d.comb += Value.cast(sink).eq(register)
        return m
