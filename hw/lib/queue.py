"""FIFO queue with stream ports."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, ShapeLike, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.counters import hold
from hw.lib.memory import two_port_memory
from hw.lib.stream import transfer, width_of


class StreamQueue(wiring.Component):
    """First in, first out.

    Latency 2 cycles. Throughput one payload a cycle from depth 3 on, two in three cycles at depth 2. At depth 1 it is
    a register: latency 1 cycle, one payload in two cycles. Takes payloads whenever it holds fewer than `depth`, so
    that a client that counts places (credits) never waits; `amaranth.lib.fifo.SyncFIFOBuffered` does not promise
    that. On ECP5 more than 32 words of 64 bits are block RAM, less are LUTs. All of `o` and `i.ready` come from
    registers.

    Raises:
        ValueError: `depth` is below 1.
    """

    def __init__(self, *, shape: ShapeLike, depth: int) -> None:
        if depth < 1:
            raise ValueError(f"StreamQueue: depth must be at least 1, it is {depth}")
        self.depth = depth
        super().__init__(
            {
                "i": In(stream.Signature(shape)),  #: ready while fewer than `depth` are held
                "o": Out(stream.Signature(shape)),  #: the oldest one that is held
                "level": Out(range(depth + 1)),  #: how many are held, the one at `o` included
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        if self.depth == 1:
            self._hold_one(m)
            return m
        width = width_of(self.i.payload.shape())
        # A row is fetched when something is stored, and written when not all is: never the same.
        write, read = two_port_memory(m, platform, "memory", width=width, depth=self.depth)
        # The read port's register is the output's; `stored` payloads wait behind it.
        stored = Signal(range(self.depth + 1))
        fetch = Signal()
        m.d.comb += [
            self.i.ready.eq(self.level != self.depth),
            write.data.eq(Value.cast(self.i.payload)),
            write.en.eq(transfer(self.i)),
            fetch.eq((stored != 0) & (~self.o.valid | self.o.ready)),
            read.en.eq(fetch),
            Value.cast(self.o.payload).eq(read.data),
        ]
        hold(m, self.level, transfer(self.i), transfer(self.o))
        hold(m, stored, transfer(self.i), fetch)
        m.d.sync += self.o.valid.eq(fetch | (self.o.valid & ~self.o.ready))
        for port, moves in ((write, transfer(self.i)), (read, fetch)):
            place = Signal.like(port.addr, name="place")
            m.d.comb += port.addr.eq(place)
            with m.If(moves):
                m.d.sync += place.eq(Mux(place == self.depth - 1, 0, place + 1))
        return m

    def _hold_one(self, m: Module) -> None:
        """One place: it is taken or free."""
        kept = Signal(width_of(self.i.payload.shape()), reset_less=True)
        m.d.comb += [
            self.i.ready.eq(~self.o.valid),
            self.level.eq(self.o.valid),
            Value.cast(self.o.payload).eq(kept),
        ]
        with m.If(transfer(self.i)):
            m.d.sync += [kept.eq(Value.cast(self.i.payload)), self.o.valid.eq(1)]
        with m.Elif(transfer(self.o)):
            m.d.sync += self.o.valid.eq(0)
