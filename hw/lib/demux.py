"""One stream to one of several, chosen by each payload."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, ShapeLike, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out


class StreamDemux(wiring.Component):
    """Sends each payload to the output it names.

    Latency 0, throughput one payload a cycle. A `target` of `count` or more is taken and dropped.
    `i.ready` depends on the target.

    Raises:
        ValueError: `count` is below 2.
    """

    def __init__(self, *, shape: ShapeLike, count: int) -> None:
        if count < 2:
            raise ValueError(f"StreamDemux: count must be at least 2, it is {count}")
        self.count = count
        self.layout = data.StructLayout(
            {
                "data": shape,  #: the payload
                "target": range(count),  #: index of its output
            }
        )
        super().__init__(
            {
                "i": In(stream.Signature(self.layout)),  #: payloads, each with the output it goes to
                "o": Out(stream.Signature(shape)).array(count),  #: each takes those that name its index
                "dropped": Out(16),  #: payloads that named no output, since reset; wraps
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        chosen = Signal(self.count)
        nowhere = Signal()
        m.d.comb += [
            chosen.eq(Cat(self.i.payload.target == k for k in range(self.count))),
            nowhere.eq(~chosen.any()),
            self.i.ready.eq((chosen & Cat(o.ready for o in self.o)).any() | nowhere),
        ]
        m.d.sync += self.dropped.eq(self.dropped + (self.i.valid & nowhere))
        for k, o in enumerate(self.o):
            m.d.comb += [
                Value.cast(o.payload).eq(Value.cast(self.i.payload.data)),
                o.valid.eq(self.i.valid & chosen[k]),
            ]
        return m
