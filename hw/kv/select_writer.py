"""Writes each head's bitmap of selected clusters."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.kv.memory_map import select_words
from hw.kv.config import Config
from hw.kv.layouts import header_layout
from hw.kv.wtu import SelectedLayout
from hw.lib.memory_port import ADDRESS_WIDTH, WriteSignature
from hw.lib.queue import StreamQueue
from hw.lib.stream import transfer


class SelectWriter(wiring.Component):
    """Bit c of a head's bitmap stands for cluster c.

    A head has `select_words` words; those after its last cluster's are not written.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        super().__init__(
            {
                "begin": In(1),  #: a job starts, with a valid header
                "header": In(header_layout()),  #: the job's
                #: a table of clusters after another; always taken, so `room` must be high before each table
                "i": In(stream.Signature(SelectedLayout(config))),
                "memory": Out(WriteSignature(config.memory_width)),  #: writes the bitmaps, a run each
                "room": Out(1),  #: a whole table fits
                "idle": Out(1),  #: nothing waits to be written
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec, width = self.config.spec, self.config.memory_width
        m.submodules.queue = queue = StreamQueue(shape=width + 1, depth=max(4, select_words(spec)))
        bits = Signal(width)
        full = Signal()
        ends = Signal()
        place = Signal(range(width))
        entry = self.i.payload
        with m.If(full):
            m.d.sync += [bits.eq(0), full.eq(0)]
        with m.If(self.i.valid):
            m.d.sync += [
                bits.eq(Mux(full, 0, bits) | (entry.selected << place)),
                place.eq(Mux(entry.last, 0, place + 1)),
                full.eq(entry.last | (place == width - 1)),
                ends.eq(entry.last),
            ]
        m.d.comb += [self.i.ready.eq(1), queue.i.payload.eq(bits | ends << width), queue.i.valid.eq(full)]

        base, address = Signal(ADDRESS_WIDTH), Signal(ADDRESS_WIDTH)
        request = self.memory.request
        m.d.comb += [
            request.payload.address.eq(address),
            request.payload.data.eq(queue.o.payload[:width]),
            request.payload.last.eq(queue.o.payload[width]),
            request.valid.eq(queue.o.valid),
            queue.o.ready.eq(request.ready),
            self.room.eq((queue.level == 0) & ~full),
            self.idle.eq((queue.level == 0) & ~full),
        ]
        head_bytes = select_words(spec) * spec.word_bytes
        with m.If(transfer(request)):
            m.d.sync += address.eq(address + spec.word_bytes)
            with m.If(request.payload.last):
                m.d.sync += [address.eq(base + head_bytes), base.eq(base + head_bytes)]
        with m.If(self.begin):
            m.d.sync += [
                base.eq(self.header.select_address),
                address.eq(self.header.select_address),
                place.eq(0),
                bits.eq(0),
                full.eq(0),
            ]
        return m
