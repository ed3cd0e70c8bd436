"""Free places of a memory."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.queue import StreamQueue
from hw.lib.stream import connect, transfer


class SlotPool(wiring.Component):
    """Hands out the numbers 0 to count - 1, each to one holder at a time.

    Numbers that were never used come first, in order, so that nothing has to be filled after reset.
    Then come returned ones, each at the earliest 2 cycles after its return.
    """

    def __init__(self, *, count: int) -> None:
        self.count = count
        shape = range(count)
        super().__init__(
            {
                "i": In(stream.Signature(shape)),  #: numbers given back; always taken
                "o": Out(stream.Signature(shape)),  #: free numbers
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.returned = returned = StreamQueue(shape=range(self.count), depth=self.count)
        unused = Signal(range(self.count + 1))
        fresh = Signal()
        connect(m, self.i, returned.i)
        m.d.comb += [
            fresh.eq(unused != self.count),
            self.o.payload.eq(Mux(fresh, unused, returned.o.payload)),
            self.o.valid.eq(fresh | returned.o.valid),
            returned.o.ready.eq(~fresh & self.o.ready),
        ]
        with m.If(fresh & transfer(self.o)):
            m.d.sync += unused.eq(unused + 1)
        return m
