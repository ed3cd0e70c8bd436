"""Register slice that cuts every combinational path of a stream."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, ShapeLike, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.stream import transfer, width_of


class SkidBuffer(wiring.Component):
    """Two registers: payload, valid and ready all leave from flip-flops.

    Latency 1 cycle, throughput one payload a cycle, capacity 2.
    """

    def __init__(self, *, shape: ShapeLike) -> None:
        super().__init__(
            {
                "i": In(stream.Signature(shape)),  #: ready while one of the two places is free
                "o": Out(stream.Signature(shape)),  #: the same payloads
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        skid = Signal(width_of(self.i.payload.shape()))
        skid_valid = Signal()
        payload = Value.cast(self.o.payload)
        m.d.comb += self.i.ready.eq(~skid_valid)
        with m.If(~self.o.valid | self.o.ready):
            m.d.sync += [
                payload.eq(Mux(skid_valid, skid, Value.cast(self.i.payload))),
                self.o.valid.eq(skid_valid | self.i.valid),
                skid_valid.eq(0),
            ]
        with m.Elif(transfer(self.i)):
            m.d.sync += [skid.eq(Value.cast(self.i.payload)), skid_valid.eq(1)]
        return m
