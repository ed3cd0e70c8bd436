"""Which contexts of an LT unit are free."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out


class ContextPool(wiring.Component):
    """Hands out contexts, each to one holder at a time; one in two cycles.

    Members:
        i: {`valid`, `payload`}: a context comes back. o: stream of free contexts, the lowest first.
    """

    def __init__(self, *, count: int) -> None:
        self.count = count
        shape = range(count)
        super().__init__(
            {"i": In(data.StructLayout({"valid": 1, "payload": shape})), "o": Out(stream.Signature(shape))}
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        free = Signal(self.count, init=(1 << self.count) - 1)
        with m.If(self.o.valid):
            with m.If(self.o.ready):
                m.d.sync += self.o.valid.eq(0)
        with m.Else():
            m.d.sync += self.o.valid.eq(free.any())
            for k in reversed(range(self.count)):
                with m.If(free[k]):
                    m.d.sync += self.o.payload.eq(k)
            m.d.sync += free.eq(free & (free - 1))  # without the lowest
        with m.If(self.i.valid):
            m.d.sync += free.bit_select(self.i.payload, 1).eq(1)
        return m
