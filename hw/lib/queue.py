"""FIFO queue with stream ports."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, ShapeLike, Value
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.stream import width_of


class StreamQueue(wiring.Component):
    """First in, first out.

    Latency 2 cycles, throughput one payload a cycle. Holds `depth` payloads; a depth above 32
    infers as block RAM. `o` is registered; `i.ready` does not depend on `o.ready`.

    Members:
        i, o: streams of `shape`.
        level: payloads held, 0 to `depth`.
    """

    def __init__(self, *, shape: ShapeLike, depth: int) -> None:
        if depth < 2:
            raise ValueError(f"StreamQueue: depth must be at least 2, it is {depth}")
        self.depth = depth
        super().__init__(
            {
                "i": In(stream.Signature(shape)),
                "o": Out(stream.Signature(shape)),
                "level": Out(range(depth + 1)),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.fifo = queue = fifo.SyncFIFOBuffered(width=width_of(self.i.payload.shape()), depth=self.depth)
        m.d.comb += [
            queue.w_data.eq(Value.cast(self.i.payload)),
            queue.w_en.eq(self.i.valid),
            self.i.ready.eq(queue.w_rdy),
            Value.cast(self.o.payload).eq(queue.r_data),
            self.o.valid.eq(queue.r_rdy),
            queue.r_en.eq(self.o.ready),
            self.level.eq(queue.level),
        ]
        return m
