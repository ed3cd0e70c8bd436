"""Writes finished sub-tiles to the framebuffer."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.memory_map import PIXEL_BYTES
from hw.lib.memory_port import ADDRESS_WIDTH, WriteSignature
from hw.lib.queue import StreamQueue
from hw.lib.stream import transfer
from hw.lib.tree import or_all
from hw.lib.width_converter import Narrower
from hw.splat.config import Config
from hw.splat.tiles import place_bits

SQUARE_BITS = 16  # as many squares of pixels as a frame may have groups
TILES_WAITING = 16  # covers the lanes' latency, so that flushes can follow each other at memory pace


class PixelWriter(wiring.Component):
    """Queues the sub-tiles that lane groups hand out and writes them word by word.

    A sub-tile lies at frame_address + (square · columns² + number) · lanes · 4 bytes, with its number in
    its square of pixels. Lane groups may be at different squares. `room` promises a place for one
    more flush, of any of them; a `reserved` flush keeps it until it arrives.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        spec = config.spec
        pixels = 32 * spec.lanes
        self.tile = data.StructLayout(
            {
                "number": SQUARE_BITS + 2 * (spec.columns.bit_length() - 1),  #: in the framebuffer
                "pixels": pixels,  #: red, green, blue, coverage of pixel after pixel
            }
        )
        #: place: the lane group's own number of the sub-tile
        flushed = data.StructLayout({"valid": 1, "place": range(config.places), "pixels": pixels})
        super().__init__(
            {
                "flushed": In(flushed).array(config.lane_groups),  #: a sub-tile of at most one of them; always taken
                "reserved": In(1),  #: a flush is issued in this cycle
                "room": Out(1),  #: another flush may be issued
                "frame_address": In(ADDRESS_WIDTH),  #: of the framebuffer
                "start": In(1),  #: the next sub-tiles are the first square's
                "busy": Out(1),  #: pixels are promised or waiting
                "memory": Out(WriteSignature(config.memory_width)),  #: framebuffer words
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec, width = self.config.spec, self.config.memory_width
        tile_bytes = spec.lanes * PIXEL_BYTES
        words = max(8 * tile_bytes // width, 1)
        m.submodules.queue = queue = StreamQueue(shape=self.tile, depth=TILES_WAITING)
        m.submodules.narrower = narrower = Narrower(shape=width, ratio=max(words, 2))

        promised = Signal(range(TILES_WAITING + 1))  # places taken or promised
        m.d.comb += [
            self.room.eq(promised < TILES_WAITING - 1),
            queue.i.payload.eq(self._arriving(m)),
            queue.i.valid.eq(Cat(flushed.valid for flushed in self.flushed).any()),
            Value.cast(narrower.i.payload.data).eq(queue.o.payload.pixels),
            narrower.i.payload.count.eq(words),
            narrower.i.valid.eq(queue.o.valid),
            queue.o.ready.eq(narrower.i.ready),
            self.busy.eq((promised != 0) | narrower.o.valid),
        ]
        m.d.sync += promised.eq(promised + self.reserved - transfer(queue.o))

        address = Signal(ADDRESS_WIDTH)
        left = Signal(range(words + 1))
        request = self.memory.request
        with m.If(transfer(queue.o)):
            offset = queue.o.payload.number.shift_left(tile_bytes.bit_length() - 1)
            m.d.sync += [address.eq(self.frame_address + offset), left.eq(words)]
        with m.Elif(transfer(request)):
            m.d.sync += [address.eq(address + width // 8), left.eq(left - 1)]
        m.d.comb += [
            request.payload.address.eq(address),
            request.payload.data.eq(narrower.o.payload),
            request.payload.last.eq(left == 1),
            request.valid.eq(narrower.o.valid),
            narrower.o.ready.eq(request.ready),
        ]
        return m

    def _arriving(self, m: Module) -> data.View:
        """The sub-tile that comes in this cycle, if one does, by its number in the framebuffer."""
        config = self.config
        places = config.places
        found: list[Value] = []
        for k, flushed in enumerate(self.flushed):
            square = Signal(SQUARE_BITS, name=f"square_{k}")  # that the lane group's next sub-tile is of
            taken = Signal(range(places), name=f"taken_{k}")  # of that square
            column, row = place_bits(config, Const(k, range(config.lane_groups)), flushed.place)
            with m.If(self.start):
                m.d.sync += [square.eq(0), taken.eq(0)]
            with m.Elif(flushed.valid):
                m.d.sync += [taken.eq(taken + 1), square.eq(square + (taken == places - 1))]
            found.append(Cat(column, row, square, flushed.pixels) & flushed.valid.replicate(self.tile.size))
        arriving = Signal(self.tile)
        m.d.comb += Value.cast(arriving).eq(or_all(found))
        return arriving
