"""Reads a frame's header and view, then the scene's voxel table."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.memory_map import HEADER_BYTES, LINE_BYTES, VIEW_BYTES
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature
from hw.lib.row_reader import RowReader
from hw.lib.stream import transfer
from hw.splat.layouts import NUMBER_WIDTH
from hw.splat.row_layouts import header_layout, place_layout, view_layout

ROWS = (HEADER_BYTES + VIEW_BYTES) // LINE_BYTES


class ViewFetch(wiring.Component):
    """On `start`, loads header and view from `address` on; then, on `scan`, streams the voxel table.

    Variable latency (the memory's). A row takes 64 bytes of memory bandwidth; of `ahead` rows words may be under way.
    """

    def __init__(self, *, memory_width: int, ahead: int) -> None:
        self.memory_width, self.ahead = memory_width, ahead
        super().__init__(
            {
                "start": In(1),  #: load the header; ignored while rows are missing
                "address": In(ADDRESS_WIDTH),  #: of the header, in bytes
                "frame": Out(header_layout()),  #: the header, stable while `idle`
                "view": Out(view_layout()),  #: what lies behind it, stable while `idle`
                "scan": In(1),  #: stream the voxel table; ignored while rows are missing
                "o": Out(stream.Signature(place_layout())),  #: entries of the voxel table
                "idle": Out(1),  #: no row is missing
                "memory": Out(ReadSignature(memory_width)),  #: where all of it lies
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.reader = reader = RowReader(width=self.memory_width, row_bytes=LINE_BYTES, ahead=self.ahead)
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)
        # Each row has its registers, so that what nobody reads of it takes none.
        rows = [Signal(8 * LINE_BYTES, name=f"row_{k}") for k in range(ROWS)]
        scanning = Signal()
        to_ask, to_come = Signal(NUMBER_WIDTH), Signal(NUMBER_WIDTH)
        address = Signal(ADDRESS_WIDTH)
        m.d.comb += [
            Cat(Value.cast(self.frame), Value.cast(self.view)).eq(Cat(rows)),
            reader.i.payload.eq(address),
            reader.i.valid.eq(to_ask != 0),
            Value.cast(self.o.payload).eq(reader.o.payload),
            self.o.valid.eq(reader.o.valid & scanning),
            reader.o.ready.eq(self.o.ready | ~scanning),
            self.idle.eq(to_come == 0),
        ]
        with m.If(transfer(reader.i)):
            m.d.sync += [address.eq(address + LINE_BYTES), to_ask.eq(to_ask - 1)]
        with m.If(transfer(reader.o)):
            m.d.sync += to_come.eq(to_come - 1)
            for k in range(ROWS):
                with m.If(~scanning & (to_come == ROWS - k)):
                    m.d.sync += rows[k].eq(reader.o.payload)
        with m.If(self.idle & self.start):
            m.d.sync += [scanning.eq(0), address.eq(self.address), to_ask.eq(ROWS), to_come.eq(ROWS)]
        with m.Elif(self.idle & self.scan):
            count = self.view.voxel_count[:NUMBER_WIDTH]
            m.d.sync += [scanning.eq(1), address.eq(self.view.voxel_address), to_ask.eq(count), to_come.eq(count)]
        return m
