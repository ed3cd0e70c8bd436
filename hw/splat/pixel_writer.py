"""Writes finished sub-tiles to the framebuffer."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.memory_map import PIXEL_BYTES
from hw.lib.memory_port import ADDRESS_WIDTH, WriteSignature
from hw.lib.queue import StreamQueue
from hw.lib.stream import transfer
from hw.lib.tree import or_all
from hw.lib.width_converter import Narrower
from hw.splat.config import Config
from hw.splat.pixel_bytes import BYTES_WIDTH, StateLayout, pixel_bytes, pixel_width
from hw.splat.tiles import place_bits

SQUARE_BITS = 16  # as many squares of pixels as a frame may have groups


class PixelWriter(wiring.Component):
    """Queues the sub-tiles that lane groups hand out and writes them word by word.

    A sub-tile lies at frame_address + (square · columns² + number) · lanes · 4 bytes, with its number in
    its square of pixels. Lane groups may be at different squares, and of two frames at different frames.
    `room` promises a place for one more flush, of any of them; a `reserved` flush keeps it until it
    arrives. What comes is the pixels' state, and becomes bytes here; `as_bytes` it is bytes already.
    """

    def __init__(self, *, config: Config, as_bytes: bool = False) -> None:
        self.config, self.as_bytes = config, as_bytes
        spec = config.spec
        pixels = BYTES_WIDTH * spec.lanes
        self.tile = data.StructLayout(
            {
                "address": ADDRESS_WIDTH,  #: where it goes
                "pixels": pixels,  #: red, green, blue, coverage of pixel after pixel
            }
        )
        #: place: the lane group's own number of the sub-tile
        self.arriving = spec.lanes * pixel_width(spec, as_bytes=as_bytes)
        flushed = data.StructLayout({"valid": 1, "place": range(config.places), "pixels": self.arriving})
        super().__init__(
            {
                "flushed": In(flushed).array(config.lane_groups),  #: a sub-tile of at most one of them; always taken
                "reserved": In(1),  #: a flush is issued in this cycle
                "room": Out(1),  #: another flush may be issued
                "start": In(1),  #: behind the last square of the frame before comes the first of another one
                "frame_address": In(ADDRESS_WIDTH),  #: with `start`: where its framebuffer lies
                "squares": In(SQUARE_BITS),  #: with `start`: of the frame before; 0 if there is none
                "old": Out(1),  #: sub-tiles of the frame before are missing: there may be no `start`
                "busy": Out(1),  #: pixels are promised or waiting
                "memory": Out(WriteSignature(config.memory_width)),  #: framebuffer words
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec, width = self.config.spec, self.config.memory_width
        tile_bytes = spec.lanes * PIXEL_BYTES
        words = max(8 * tile_bytes // width, 1)
        depth = self.config.pixel_depth
        m.submodules.queue = queue = StreamQueue(shape=self.tile, depth=depth)
        # The pixels come out of one of all lane groups: they are rounded in the next cycle.
        arrives, address_in, pixels = Signal(), Signal(ADDRESS_WIDTH), Signal(self.arriving)
        m.d.sync += [
            arrives.eq(Cat(flushed.valid for flushed in self.flushed).any()),
            Cat(address_in, pixels).eq(self._arriving(m)),
        ]
        promised = Signal(range(depth + 1))  # places taken or promised
        m.d.comb += [
            # A flush that is issued now is counted in two cycles.
            self.room.eq(promised < depth - 1 if depth > 1 else ~(promised | self.reserved)),
            queue.i.payload.address.eq(address_in),
            queue.i.payload.pixels.eq(self._bytes(pixels)),
            queue.i.valid.eq(arrives),
        ]
        m.d.sync += promised.eq(promised + self.reserved - transfer(queue.o))
        request = self.memory.request
        if self.config.lean and words == 1:
            m.d.comb += [
                request.payload.address.eq(queue.o.payload.address),
                request.payload.data.eq(queue.o.payload.pixels),
                request.payload.last.eq(1),
                request.valid.eq(queue.o.valid),
                queue.o.ready.eq(request.ready),
                self.busy.eq(promised != 0),
            ]
            return m
        m.submodules.narrower = narrower = Narrower(shape=width, ratio=max(words, 2))
        m.d.comb += [
            Value.cast(narrower.i.payload.data).eq(queue.o.payload.pixels),
            narrower.i.payload.count.eq(words),
            narrower.i.valid.eq(queue.o.valid),
            queue.o.ready.eq(narrower.i.ready),
            self.busy.eq((promised != 0) | narrower.o.valid),
        ]

        address = Signal(ADDRESS_WIDTH)
        left = Signal(range(words + 1))
        with m.If(transfer(queue.o)):
            m.d.sync += [address.eq(queue.o.payload.address), left.eq(words)]
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

    def _arriving(self, m: Module) -> Value:
        """Address and pixels of the sub-tile that comes in this cycle, if one does."""
        config, spec = self.config, self.config.spec
        places = config.places
        newer, older = Signal(ADDRESS_WIDTH), Signal(ADDRESS_WIDTH)  # framebuffers of the frame at hand, and before it
        before = Signal(SQUARE_BITS)  # squares of the frame before
        with m.If(self.start):
            m.d.sync += [newer.eq(self.frame_address), older.eq(newer), before.eq(self.squares)]
        number_bits = SQUARE_BITS + 2 * (spec.columns.bit_length() - 1)
        found: list[Value] = []
        old: list[Value] = []
        for k, flushed in enumerate(self.flushed):
            square = Signal(SQUARE_BITS, name=f"square_{k}")  # that the lane group's next sub-tile is of
            behind = Signal(name=f"behind_{k}")  # that square is of the frame before
            taken = Signal(range(places), name=f"taken_{k}")  # of that square
            after = Signal(SQUARE_BITS, name=f"after_{k}")
            column, row = place_bits(config, Const(k, range(config.lane_groups)), flushed.place)
            ends = flushed.valid & (taken == places - 1)
            m.d.comb += after.eq(square + ends)
            m.d.sync += [taken.eq(Mux(flushed.valid, Mux(ends, 0, taken + 1), taken)), square.eq(after)]
            with m.If(self.start):
                m.d.sync += behind.eq(after != self.squares)
                with m.If(after == self.squares):
                    m.d.sync += square.eq(0)
            with m.Elif(behind & (after == before)):
                m.d.sync += [behind.eq(0), square.eq(0)]
            tile = Cat(column, row, square, behind, flushed.pixels)
            found.append(tile & flushed.valid.replicate(len(tile)))
            old.append(behind)
        address, chosen = Signal(ADDRESS_WIDTH), Signal(number_bits + 1 + self.arriving)
        offset = chosen[:number_bits].shift_left((spec.lanes * PIXEL_BYTES).bit_length() - 1)
        m.d.comb += [
            self.old.eq(Cat(old).any()),
            chosen.eq(or_all(found)),
            address.eq(Mux(chosen[number_bits], older, newer) + offset),
        ]
        return Cat(address, chosen[number_bits + 1 :])

    def _bytes(self, pixels: Value) -> Value:
        """What goes to memory of what has arrived."""
        if self.as_bytes:
            return pixels
        spec = self.config.spec
        state = StateLayout(spec)
        return Cat(pixel_bytes(data.View(state, pixels.word_select(k, state.size)), spec) for k in range(spec.lanes))
