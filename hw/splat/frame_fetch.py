"""Reads a frame's header, then its group table."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.memory_map import GROUP_BYTES, HEADER_BYTES
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature
from hw.lib.row_reader import RowReader
from hw.lib.stream import transfer
from hw.splat.row_layouts import group_layout, header_layout

ROWS_AHEAD = 4  # whose words may be under way


class FrameFetch(wiring.Component):
    """On `start`, loads the header at `address`, then streams the group table's entries in order.

    Variable latency (the memory's). A group takes 64 bytes of memory bandwidth.
    """

    def __init__(self, *, memory_width: int, ahead: int = ROWS_AHEAD) -> None:
        self.memory_width, self.ahead = memory_width, ahead
        super().__init__(
            {
                "start": In(1),  #: begin a frame; ignored while `busy`
                "address": In(ADDRESS_WIDTH),  #: of its header, in bytes
                "frame": Out(header_layout()),  #: the header, stable from the first group on
                "groups": Out(stream.Signature(group_layout())),  #: entries of the group table
                "busy": Out(1),  #: the last entry has not left yet
                "memory": Out(ReadSignature(memory_width)),  #: where header and table lie
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        # The header is read as rows of the table's size.
        header_rows, row_bits = HEADER_BYTES // GROUP_BYTES, 8 * GROUP_BYTES
        m.submodules.reader = reader = RowReader(width=self.memory_width, row_bytes=GROUP_BYTES, ahead=self.ahead)
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)

        header = Signal(HEADER_BYTES * 8)
        longer = Signal.like(header)  # with the row at hand
        fields = header_layout()(longer)
        left = Signal(16)  # rows to ask for
        waiting = Signal(16)  # rows to deliver
        next_row = Signal(ADDRESS_WIDTH)
        m.d.comb += [
            Value.cast(self.frame).eq(header),
            longer.eq(Cat(header, reader.o.payload)[row_bits:]),
            Value.cast(self.groups.payload).eq(reader.o.payload),
            reader.i.payload.eq(next_row),
            reader.i.valid.eq(left != 0),
            self.busy.eq(1),
        ]
        with m.If(transfer(reader.i)):
            m.d.sync += [next_row.eq(next_row + GROUP_BYTES), left.eq(left - 1)]
        with m.If(transfer(reader.o)):
            m.d.sync += waiting.eq(waiting - 1)
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += self.busy.eq(0)
                with m.If(self.start):
                    m.d.sync += [next_row.eq(self.address), left.eq(header_rows), waiting.eq(header_rows)]
                    m.next = "HEADER"
            with m.State("HEADER"):
                m.d.comb += reader.o.ready.eq(1)
                with m.If(transfer(reader.o)):
                    m.d.sync += header.eq(longer)
                    with m.If(waiting == 1):
                        count = fields.group_count[:16]
                        m.d.sync += [next_row.eq(fields.group_address), left.eq(count), waiting.eq(count)]
                        m.next = "GROUPS"
            with m.State("GROUPS"):
                m.d.comb += [
                    self.groups.valid.eq(reader.o.valid),
                    reader.o.ready.eq(self.groups.ready),
                ]
                with m.If(waiting == 0):
                    m.next = "IDLE"
        return m
