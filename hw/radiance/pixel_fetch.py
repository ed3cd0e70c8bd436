"""Reads a region's pixels."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.radiance.memory_map import pixel_bytes
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature
from hw.lib.run_reader import RUN_LENGTH_BITS, RunReader
from hw.lib.stream import transfer
from hw.lib.width_converter import Narrower
from hw.radiance.config import Config
from hw.radiance.layouts import pixel_layout

BURST = 32  # words a request


class PixelFetch(wiring.Component):
    """A run of pixels, one a cycle where the memory keeps up; words are read ahead as far as there is room."""

    def __init__(self, *, config: Config) -> None:
        self.config = config
        super().__init__(
            {
                "start": In(1),  #: read a run; the one before has left `o`
                "address": In(ADDRESS_WIDTH),  #: of its first pixel, in bytes, whole words
                "count": In(RUN_LENGTH_BITS),  #: pixels, 1 or more
                "o": Out(stream.Signature(pixel_layout(config.spec))),  #: the pixels
                "memory": Out(ReadSignature(config.memory_width)),  #: where they lie
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        config = self.config
        ratio, width = config.pixels_per_word, 8 * pixel_bytes(config.spec)
        burst = min(BURST, config.pixel_words)
        m.submodules.reader = reader = RunReader(width=config.memory_width, depth=config.pixel_words, burst=burst)
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)
        asking = Signal()
        with m.If(self.start):
            m.d.sync += asking.eq(1)
        with m.Elif(reader.i.ready):
            m.d.sync += asking.eq(0)
        address = Signal(ADDRESS_WIDTH)
        words = Signal(RUN_LENGTH_BITS)
        left = Signal(RUN_LENGTH_BITS)  # pixels whose words have not come
        with m.If(self.start):
            m.d.sync += [
                address.eq(self.address),
                words.eq((self.count + ratio - 1) >> ratio.bit_length() - 1),
                left.eq(self.count),
            ]
        m.d.comb += [
            reader.i.payload.address.eq(address),
            reader.i.payload.length.eq(words),
            reader.i.valid.eq(asking),
        ]
        if ratio == 1:
            m.d.comb += [
                Value.cast(self.o.payload).eq(reader.o.payload),
                self.o.valid.eq(reader.o.valid),
                reader.o.ready.eq(self.o.ready),
            ]
            return m
        m.submodules.narrower = narrower = Narrower(shape=width, ratio=ratio)
        m.d.comb += [
            Value.cast(narrower.i.payload.data).eq(reader.o.payload),
            narrower.i.payload.count.eq(Mux(left > ratio, ratio, left)),
            narrower.i.valid.eq(reader.o.valid),
            reader.o.ready.eq(narrower.i.ready),
            Value.cast(self.o.payload).eq(narrower.o.payload),
            self.o.valid.eq(narrower.o.valid),
            narrower.o.ready.eq(self.o.ready),
        ]
        with m.If(transfer(narrower.i)):
            m.d.sync += left.eq(left - ratio)
        return m
