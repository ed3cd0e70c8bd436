"""Turns a subtree that has children to visit into one call a child."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.lod.memory_map import MASK_BITS
from hw.lib.leading_zeros import trailing_zeros
from hw.lib.stream import transfer
from hw.lib.tree import set_below
from hw.lod.layouts import CallLayout, queue_layout


class ChildWalk(wiring.Component):
    """Calls the children of every entry in ascending order, one a cycle.

    Latency 1 cycle. An entry without children is taken and calls nothing.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                #: subtrees that call children; taken when the last call of the one before is
                "i": In(stream.Signature(queue_layout())),
                "o": Out(stream.Signature(CallLayout())),  #: one call a child, in ascending order
                "busy": Out(1),  #: the entry at hand has calls to come
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        entry = Signal(queue_layout())
        remaining = entry.children
        rest = Signal(MASK_BITS)
        lowest = trailing_zeros(remaining)[: (MASK_BITS - 1).bit_length()]
        m.d.comb += [
            rest.eq(remaining & set_below(m, remaining)),
            self.busy.eq(remaining != 0),
            self.o.valid.eq(self.busy),
            self.o.payload.subtree.eq(entry.first_child + lowest),
            self.o.payload.entered.eq(entry.expanded),
            self.i.ready.eq(~self.busy | ((rest == 0) & self.o.ready)),
        ]
        with m.If(transfer(self.i)):
            m.d.sync += entry.eq(self.i.payload)
        with m.Elif(transfer(self.o)):
            m.d.sync += remaining.eq(rest)
        return m
