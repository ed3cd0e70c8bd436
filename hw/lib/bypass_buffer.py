"""Register slice that cuts a stream's `ready` and costs its payload no time."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, ShapeLike, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.stream import width_of


class BypassBuffer(wiring.Component):
    """A payload passes within the cycle, or waits in the one register; `i.ready` leaves from a flip-flop.

    Latency 0, capacity 1. Throughput one payload a cycle while `o` takes them at once.
    """

    def __init__(self, *, shape: ShapeLike) -> None:
        super().__init__(
            {
                "i": In(stream.Signature(shape)),  #: ready while nothing waits
                "o": Out(stream.Signature(shape)),  #: the same payloads
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        waiting = Signal()
        kept = Signal(width_of(self.i.payload.shape()))
        payload = Value.cast(self.i.payload)
        m.d.comb += [
            self.i.ready.eq(~waiting),
            self.o.valid.eq(waiting | self.i.valid),
            Value.cast(self.o.payload).eq(Mux(waiting, kept, payload)),
        ]
        m.d.sync += waiting.eq(self.o.valid & ~self.o.ready)
        with m.If(~waiting):
            m.d.sync += kept.eq(payload)
        return m
