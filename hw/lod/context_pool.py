"""Which contexts of an LT unit are free."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.arbiter import round_robin
from hw.lib.tree import or_all


class ContextPool(wiring.Component):
    """Hands out free contexts in a ring, each to one holder at a time; one every two cycles."""

    def __init__(self, *, count: int) -> None:
        self.count = count
        shape = range(count)
        super().__init__(
            {
                #: a context that was handed out comes back; always taken
                "i": In(data.StructLayout({"valid": 1, "payload": shape})),
                "o": Out(stream.Signature(shape)),  #: contexts that are free; who takes one holds it
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        free = Signal(self.count, init=(1 << self.count) - 1)
        last = Signal(self.count, init=1 << (self.count - 1))
        chosen = round_robin(m, free, last)
        with m.If(self.o.valid):
            with m.If(self.o.ready):
                m.d.sync += self.o.valid.eq(0)
        with m.Else():
            m.d.sync += [
                self.o.valid.eq(free.any()),
                self.o.payload.eq(or_all([Mux(chosen[k], k, 0) for k in range(self.count)])),
                free.eq(free & ~chosen),
            ]
            with m.If(free.any()):
                m.d.sync += last.eq(chosen)
        with m.If(self.i.valid):
            m.d.sync += free.bit_select(self.i.payload, 1).eq(1)
        return m
