"""The subtree queue: first in, first out, over as much memory as it takes."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.burst_reader import BurstReader
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature, WriteSignature
from hw.lib.queue import StreamQueue
from hw.lib.stream import transfer
from hw.lod.config import Config
from hw.lod.layouts import queue_layout


class SubtreeQueue(wiring.Component):
    """Up to `queue_depth` entries wait on chip; further ones go to a ring in memory, a word each.

    Nothing is lost and the order is kept: once an entry is in memory, all later ones follow it there
    until the ring is empty again. An entry is read back when its write has reached the memory.
    Throughput one entry a cycle on chip. The ring must hold all entries that can wait.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        shape = queue_layout()
        super().__init__(
            {
                "i": In(stream.Signature(shape)),  #: entries that begin to wait
                "o": Out(stream.Signature(shape)),  #: the same, in the same order
                "empty": Out(1),  #: no entry waits, on chip or in memory, or is on its way
                "address": In(ADDRESS_WIDTH),  #: of the ring in memory
                "words": In(ADDRESS_WIDTH),  #: of the ring: places for entries
                "written": In(1),  #: the memory has taken a word of `write`
                "memory": Out(ReadSignature(config.memory_width)),  #: entries come back
                "write": Out(WriteSignature(config.memory_width)),  #: entries that have no place on chip
                "spilled": Out(1),  #: an entry goes to memory
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        config = self.config
        shape = queue_layout()
        m.submodules.head = head = StreamQueue(shape=shape, depth=config.queue_depth)
        m.submodules.reader = reader = BurstReader(width=config.memory_width, depth=config.queue_words)
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)
        held, outside, readable = (Signal(24, name=n) for n in ("held", "outside", "readable"))
        direct = Signal()
        write = self.write.request
        back = transfer(reader.o)
        m.d.comb += [
            direct.eq((outside == 0) & head.i.ready),
            head.i.valid.eq(Mux(outside == 0, self.i.valid, reader.o.valid)),
            Value.cast(head.i.payload).eq(
                Mux(outside == 0, Value.cast(self.i.payload), reader.o.payload[: shape.size])
            ),
            reader.o.ready.eq((outside != 0) & head.i.ready),
            self.i.ready.eq(direct | ~write.valid),
            self.spilled.eq(transfer(self.i) & ~direct),
            self.o.payload.eq(head.o.payload),
            self.o.valid.eq(head.o.valid),
            head.o.ready.eq(self.o.ready),
            self.empty.eq(held == 0),
        ]
        m.d.sync += [
            held.eq(held + transfer(self.i) - transfer(self.o)),
            outside.eq(outside + self.spilled - back),
            readable.eq(readable + self.written - transfer(reader.i)),
        ]
        with m.If(self.spilled):
            m.d.sync += [write.valid.eq(1), write.payload.data.eq(Value.cast(self.i.payload))]
        with m.Elif(write.ready):
            m.d.sync += write.valid.eq(0)
        m.d.comb += [
            write.payload.last.eq(1),
            reader.i.valid.eq(readable != 0),
            reader.i.payload.length.eq(1),
        ]
        for moves, address in (
            (transfer(write), write.payload.address),
            (transfer(reader.i), reader.i.payload.address),
        ):
            place = Signal(ADDRESS_WIDTH, name="place")
            m.d.comb += address.eq(self.address + place.shift_left(config.word_bytes.bit_length() - 1))
            with m.If(moves):
                m.d.sync += place.eq(Mux(place + 1 >= self.words, 0, place + 1))
        return m
