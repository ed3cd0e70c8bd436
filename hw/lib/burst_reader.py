"""Reads runs of words from memory, with room kept for all that is under way."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.memory_port import MAX_BURST, ReadRequestLayout, ReadSignature
from hw.lib.queue import StreamQueue
from hw.lib.stream import connect, transfer


class BurstReader(wiring.Component):
    """Turns requests into words.

    A request goes to memory only when the queue of `depth` words has room for all its words, so
    responses never wait in the memory system. With a memory that answers M cycles after it has
    taken a request, the first word leaves M + 3 cycles after its request came; bursts of L words
    give one word a cycle if `depth` is at least M + L + 3. A request longer than `depth` is never
    taken. `i.ready` depends on `i.payload.length`.

    Raises:
        ValueError: `depth` is below 1, or `width` is no power of two of at least 32.
    """

    def __init__(self, *, width: int, depth: int) -> None:
        if depth < 1:
            raise ValueError(f"BurstReader: depth must be at least 1 word, it is {depth}")
        self.width, self.depth = width, depth
        super().__init__(
            {
                "i": In(stream.Signature(ReadRequestLayout())),  #: bursts to read, of 1 to min(64, `depth`) words
                "o": Out(stream.Signature(width)),  #: their words, in order
                "memory": Out(ReadSignature(width)),  #: where they lie
                "busy": Out(1),  #: words are under way or wait in `o`
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.queue = queue = StreamQueue(shape=self.width, depth=self.depth)
        request, response = self.memory.request, self.memory.response
        # Places not promised to a request that has been sent. Registered request: its own room is
        # subtracted when it is taken in, so that it stays valid until the memory takes it.
        free = Signal(range(self.depth + 1), init=self.depth)
        length = self.i.payload.length
        m.d.comb += self.i.ready.eq((~request.valid | request.ready) & (length <= free))
        with m.If(transfer(self.i)):
            m.d.sync += [request.payload.eq(self.i.payload), request.valid.eq(1)]
        with m.Elif(request.ready):
            m.d.sync += request.valid.eq(0)
        taken = Signal(range(MAX_BURST + 1))
        m.d.comb += [
            taken.eq(Mux(transfer(self.i), length, 0)),
            queue.i.payload.eq(response.payload.data),
            queue.i.valid.eq(response.valid),
            response.ready.eq(queue.i.ready),
            self.busy.eq(free != self.depth),
        ]
        m.d.sync += free.eq(free - taken + transfer(self.o))
        connect(m, queue.o, self.o)
        return m
