"""Writes finished sub-tiles to the framebuffer."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.memory_map import PIXEL_BYTES
from hw.lib.memory_port import ADDRESS_WIDTH, WriteSignature
from hw.lib.queue import StreamQueue
from hw.lib.stream import transfer
from hw.lib.width_converter import Narrower
from hw.splat.config import Config

TILES_WAITING = 16  # covers the lanes' latency, so that flushes can follow each other at memory pace


class PixelWriter(wiring.Component):
    """Queues flushed sub-tiles and writes them word by word.

    A sub-tile lies at frame_address + (group · columns² + place) · lanes · 4 bytes. `room` promises a
    place for one more flush; a `reserved` flush keeps it until it arrives.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        spec = config.spec
        self.tile = data.StructLayout(
            {
                "place": range(spec.columns**2),  #: number in its group, row by row
                "pixels": 32 * spec.lanes,  #: red, green, blue, coverage of pixel after pixel
            }
        )
        super().__init__(
            {
                #: a sub-tile from the lanes; always taken
                "flushed": In(data.StructLayout({"valid": 1, **self.tile.members})),
                "reserved": In(1),  #: a flush is issued in this cycle
                "room": Out(1),  #: another flush may be issued
                "frame_address": In(ADDRESS_WIDTH),  #: of the framebuffer
                "start": In(1),  #: the next sub-tile is the first group's
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
            queue.i.payload.place.eq(self.flushed.place),
            queue.i.payload.pixels.eq(self.flushed.pixels),
            queue.i.valid.eq(self.flushed.valid),
            Value.cast(narrower.i.payload.data).eq(queue.o.payload.pixels),
            narrower.i.payload.count.eq(words),
            narrower.i.valid.eq(queue.o.valid),
            queue.o.ready.eq(narrower.i.ready),
            self.busy.eq((promised != 0) | narrower.o.valid),
        ]
        m.d.sync += promised.eq(promised + self.reserved - transfer(queue.o))

        group_offset = Signal(ADDRESS_WIDTH)
        tiles = Signal(range(spec.columns**2))  # of this group, already taken from the queue
        address = Signal(ADDRESS_WIDTH)
        left = Signal(range(words + 1))
        request = self.memory.request
        with m.If(self.start):
            m.d.sync += [group_offset.eq(0), tiles.eq(0)]
        with m.If(transfer(queue.o)):
            place_bytes = queue.o.payload.place.shift_left(tile_bytes.bit_length() - 1)
            m.d.sync += [
                address.eq(self.frame_address + group_offset + place_bytes),
                left.eq(words),
                tiles.eq(tiles + 1),
            ]
            with m.If(tiles == spec.columns**2 - 1):
                m.d.sync += group_offset.eq(group_offset + spec.columns**2 * tile_bytes)
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
