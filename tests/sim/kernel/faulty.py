"""A producer that breaks the stream rule on request."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.stream import transfer

SHAPE = data.StructLayout({"low": 5, "high": data.StructLayout({"a": 3, "b": 8})})
OBEDIENT, WITHDRAWS, CHANGES = range(3)


class Faulty(wiring.Component):
    """Passes payloads through one register.

    Members:
        i, o: streams of SHAPE.
        fault: while a payload waits, `WITHDRAWS` lowers its valid and `CHANGES` inverts its lowest bit.
    """

    def __init__(self) -> None:
        super().__init__(
            {"i": In(stream.Signature(SHAPE)), "o": Out(stream.Signature(SHAPE)), "fault": In(2)},
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        full = Signal()
        waited = Signal()
        kept = Signal(SHAPE)
        m.d.comb += [
            self.i.ready.eq(~full | transfer(self.o)),
            self.o.valid.eq(full & ~(waited & (self.fault == WITHDRAWS))),
            self.o.payload.eq(kept),
        ]
        with m.If(waited & (self.fault == CHANGES)):
            m.d.comb += self.o.payload.low.eq(~kept.low)
        m.d.sync += waited.eq(full & ~transfer(self.o))
        with m.If(transfer(self.i)):
            m.d.sync += [full.eq(1), kept.eq(self.i.payload)]
        with m.Elif(transfer(self.o)):
            m.d.sync += full.eq(0)
        return m
