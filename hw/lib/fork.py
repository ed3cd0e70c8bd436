"""One stream to several takers."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, ShapeLike, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out


class StreamFork(wiring.Component):
    """Every payload of `i` goes to each of `o[0]` … `o[n-1]` exactly once.

    Takers may accept in different cycles; `i` moves on when the last one has. Latency 0, throughput
    one payload a cycle. No taker's `ready` reaches another's `valid`; all reach `i.ready`.

    Raises:
        ValueError: `count` is below 1.
    """

    def __init__(self, *, shape: ShapeLike, count: int) -> None:
        if count < 1:
            raise ValueError(f"StreamFork: count must be at least 1, it is {count}")
        self.count = count
        super().__init__(
            {
                "i": In(stream.Signature(shape)),  #: moves on when every taker has its payload
                "o": Out(stream.Signature(shape)).array(count),  #: one to each taker
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        served = Signal(self.count)
        taken = Signal(self.count)
        m.d.comb += [
            taken.eq(served | Cat(o.valid & o.ready for o in self.o)),
            self.i.ready.eq(taken.all()),
        ]
        for k, o in enumerate(self.o):
            m.d.comb += [
                Value.cast(o.payload).eq(Value.cast(self.i.payload)),
                o.valid.eq(self.i.valid & ~served[k]),
            ]
        with m.If(self.i.valid):
            m.d.sync += served.eq(taken & ~taken.all().replicate(self.count))
        return m
