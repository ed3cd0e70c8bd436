"""Words to read and to write in the order in which an SDRAM does them."""

# Amaranth's ports are attributes made at run time.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from fpga.sdram_layouts import AccessLayout
from hw.lib.counters import hold
from hw.lib.memory_port import MAX_BURST, ReadRequestLayout, WriteLayout
from hw.lib.skid_buffer import SkidBuffer
from hw.lib.stream import connect, transfer


class SdramAccesses(wiring.Component):
    """Cuts bursts into words, and lets writes go first: a read that is requested after a write was taken is behind it.

    At most `room` words are read and not yet taken at a time. An address beyond the end sets `fault` until reset; such
    a write is dropped.
    """

    def __init__(self, *, width: int, words: int, room: int) -> None:
        self.width, self.words, self.room = width, words, room
        super().__init__(
            {
                "read": In(stream.Signature(ReadRequestLayout())),  #: bursts to read
                "write": In(stream.Signature(WriteLayout(width))),  #: words to write
                "taken": In(1),  #: a word that was read has been taken
                "o": Out(stream.Signature(AccessLayout(width=width, words=words))),  #: the words, one by one
                "fault": Out(1),  #: since reset there was an address beyond the end
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.writes = writes = SkidBuffer(shape=WriteLayout(self.width))
        connect(m, self.write, writes.i)
        low = (self.width // 8).bit_length() - 1  # of the byte in a word
        place, left = Signal(len(self.read.payload.address) - low), Signal(range(MAX_BURST + 1))  # of the burst
        target = Signal.like(place)  # of the write
        under_way = Signal(range(self.room + 1))
        free, write, read = Signal(), Signal(), Signal()
        m.d.comb += [
            target.eq(writes.o.payload.address >> low),
            free.eq(~self.o.valid | self.o.ready),
            write.eq(free & writes.o.valid),
            writes.o.ready.eq(free),
            read.eq(free & ~writes.o.valid & (left != 0) & (under_way != self.room)),
            self.read.ready.eq(left == 0),
        ]
        hold(m, under_way, read, self.taken)
        with m.If(transfer(self.read)):
            m.d.sync += [place.eq(self.read.payload.address >> low), left.eq(self.read.payload.length)]
        with m.If(free):
            m.d.sync += self.o.valid.eq(read | (write & (target < self.words)))
        with m.If(write):
            m.d.sync += [self.o.payload.place.eq(target), self.o.payload.write.eq(1)]
            m.d.sync += self.o.payload.data.eq(writes.o.payload.data)
        with m.If(read):
            m.d.sync += [self.o.payload.place.eq(place), self.o.payload.write.eq(0), self.o.payload.last.eq(left == 1)]
            m.d.sync += [place.eq(place + 1), left.eq(left - 1)]
        with m.If((write & (target >= self.words)) | (read & (place >= self.words))):
            m.d.sync += self.fault.eq(1)
        return m
