"""Counts of what went wrong on the line."""

# Amaranth's ports are attributes made at run time.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportIndexIssue=false

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from fpga.link.layouts import FAULT_BITS, FaultLayout


class FaultCounters(wiring.Component):
    """A count of every kind of fault, 1 cycle behind its strobe; it stops at its highest value."""

    def __init__(self, *, width: int = FAULT_BITS) -> None:
        super().__init__(
            {
                "strobes": In(FaultLayout()),  #: what has gone wrong in this cycle
                "clear": In(1),  #: all counts become 0
                "counts": Out(FaultLayout(width)),  #: how often each has
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        for name in self.strobes.shape().members:
            with m.If(self.strobes[name] & ~self.counts[name].all()):
                m.d.sync += self.counts[name].eq(self.counts[name] + 1)
        with m.If(self.clear):
            m.d.sync += self.counts.eq(0)
        return m
