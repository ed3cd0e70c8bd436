"""Writes the visiting lists and the group table."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.memory_map import GROUP_BYTES, LINE_BYTES, PLACE_BYTES, VOXEL_BYTES
from hw.lib.burst_reader import BurstReader
from hw.lib.fixed import shape_of
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature, WriteSignature
from hw.lib.queue import StreamQueue
from hw.lib.stream import transfer
from hw.splat.config import Config
from hw.splat.layouts import ListedLayout, SidesLayout, group_layout, view_layout, voxel_layout

WORDS_AHEAD = 64  # voxels that are asked for ahead: three in 5 cycles at a latency of 100
MARKS_AHEAD = 72  # entries and end marks that wait for them


class ListWriter(wiring.Component):
    """For every list: its entries, with their voxels' places in memory, from a line on; then its group's entry.

    A list takes two cycles a word and one an entry, a group 8 cycles and its own words. Entries for which there
    is no room before `list_end` are left out, the furthest of a list first, and counted.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        spec = config.spec
        self.bits = config.sides_bits
        self.per_word = config.word_bytes // VOXEL_BYTES
        super().__init__(
            {
                "start": In(1),  #: the next list is the first group's; all below hold still from now on
                "view": In(view_layout()),  #: of the frame
                "group_address": In(ADDRESS_WIDTH),  #: of the group table
                "columns": In(self.bits),  #: of groups
                "rows": In(self.bits),  #: of groups
                "near": In(shape_of(spec.camera_format)),  #: depths in the lists are counted from here
                "i": In(stream.Signature(ListedLayout(spec))),  #: each group's voxels, then an end mark
                "read_row": Out(self.bits),  #: of the table of sides
                "read_sides": In(SidesLayout(spec)),  #: that row, two cycles later
                "busy": Out(1),  #: groups are missing
                "listed": Out(range(self.per_word + 1)),  #: entries that are written in this cycle
                "lost": Out(range(self.per_word + 1)),  #: entries that are left out in this cycle
                "groups": Out(32),  #: that are written
                "read": Out(ReadSignature(config.memory_width)),  #: the voxel table
                "write": Out(WriteSignature(config.memory_width)),  #: lists and group table
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        width = self.config.memory_width
        bound = shape_of(self.config.spec.camera_format)
        m.submodules.reader = reader = BurstReader(width=width, depth=WORDS_AHEAD)
        m.submodules.marks = marks = StreamQueue(shape=data.StructLayout({"bound": bound, "end": 1}), depth=MARKS_AHEAD)
        wiring.connect(m, wiring.flipped(self.read), reader.memory)
        end = self.i.payload.end
        m.d.comb += [
            reader.i.payload.address.eq(
                self.view.voxel_address + self.i.payload.number.shift_left(PLACE_BYTES.bit_length() - 1)
            ),
            reader.i.payload.length.eq(1),
            reader.i.valid.eq(self.i.valid & ~end & marks.i.ready),
            marks.i.payload.bound.eq(self.i.payload.bound),
            marks.i.payload.end.eq(end),
            marks.i.valid.eq(self.i.valid & (end | reader.i.ready)),
            self.i.ready.eq(marks.i.ready & (end | reader.i.ready)),
        ]
        self._write(m, marks.o, reader.o)
        return m

    def _write(self, m: Module, marks: stream.Interface, words: stream.Interface) -> None:
        word = Signal(data.ArrayLayout(voxel_layout(), self.per_word))
        filled = Signal(range(self.per_word + 1))
        address, begin = Signal(ADDRESS_WIDTH), Signal(ADDRESS_WIDTH)  # of the next word; of the list
        count = Signal(32)
        ends = Signal()  # the list is complete
        step = Signal(3)
        group = self._group(m, begin, count, next_one := Signal(), step)
        rows = 8 * GROUP_BYTES // self.config.memory_width
        part = Signal(range(max(rows, 2)))
        row_address = Signal(ADDRESS_WIDTH)
        request = self.write.request
        full = address >= self.view.list_end

        entry = Signal(voxel_layout())
        depth = marks.payload.bound - self.near
        m.d.comb += [
            Value.cast(entry).eq(words.payload[: 8 * VOXEL_BYTES]),
            entry.depth.eq(Mux(depth < 0, 0, depth)),
        ]
        with m.FSM():
            with m.State("FILL"):
                m.d.comb += [
                    marks.ready.eq(marks.payload.end | words.valid),
                    words.ready.eq(marks.valid & ~marks.payload.end),
                ]
                m.d.sync += [step.eq(0), part.eq(0)]
                with m.If(transfer(marks) & marks.payload.end):
                    m.d.sync += ends.eq(1)
                    m.next = "GROUP"
                    with m.If(filled != 0):
                        m.next = "WORD"
                with m.Elif(transfer(marks)):
                    m.d.sync += filled.eq(filled + 1)
                    for k in range(self.per_word):
                        with m.If(filled == k):
                            m.d.sync += word[k].eq(entry)
                    with m.If(filled == self.per_word - 1):
                        m.next = "WORD"
            with m.State("WORD"):
                m.d.comb += [
                    request.valid.eq(~full),
                    request.payload.address.eq(address),
                    request.payload.data.eq(word),
                    request.payload.last.eq(1),
                ]
                with m.If(full | request.ready):
                    m.d.comb += [self.listed.eq(Mux(full, 0, filled)), self.lost.eq(Mux(full, filled, 0))]
                    m.d.sync += [filled.eq(0), word.eq(0), count.eq(count + self.listed)]
                    m.next = "FILL"
                    with m.If(ends):
                        m.next = "GROUP"
                with m.If(transfer(request)):
                    m.d.sync += address.eq(address + self.config.word_bytes)
            with m.State("GROUP"):
                m.d.sync += step.eq(step + 1)
                with m.If(step == 6):
                    m.next = "ENTRY"
            with m.State("ENTRY"):
                m.d.comb += [
                    request.valid.eq(1),
                    request.payload.address.eq(row_address),
                    request.payload.data.eq(Value.cast(group).word_select(part, self.config.memory_width)),
                    request.payload.last.eq(part == rows - 1),
                ]
                with m.If(request.ready):
                    m.d.sync += [row_address.eq(row_address + self.config.word_bytes), part.eq(part + 1)]
                    with m.If(part == rows - 1):
                        line = (address + LINE_BYTES - 1)[LINE_BYTES.bit_length() - 1 :]
                        after = line.shift_left(LINE_BYTES.bit_length() - 1)
                        m.d.comb += next_one.eq(1)
                        m.d.sync += [address.eq(after), begin.eq(after), count.eq(0), ends.eq(0)]
                        m.next = "FILL"
        with m.If(self.start):
            m.d.sync += [
                address.eq(self.view.list_address),
                begin.eq(self.view.list_address),
                row_address.eq(self.group_address),
                count.eq(0),
                filled.eq(0),
                ends.eq(0),
            ]

    def _group(self, m: Module, begin: Value, count: Value, next_one: Value, step: Value) -> data.View:
        """The entry of the group at hand, whole from step 6 on; `next_one` moves on, row by row."""
        spec = self.config.spec
        group = Signal(group_layout())
        column, row = Signal(self.bits), Signal(self.bits)
        left_x, left_y = Signal(16), Signal(16)  # pixels of the image from the group's corner on
        size, step_size = spec.group_size, spec.group_size << spec.screen_fraction
        last_column, last_row = column + 1 == self.columns, row + 1 == self.rows
        low, high = self.read_sides.low.slope, self.read_sides.high.slope

        def valid(left: Value) -> Value:
            places = spec.subtile.bit_length() - 1
            return Mux(left >= size, spec.columns, (left + spec.subtile - 1) >> places)

        m.d.comb += self.read_row.eq(Mux(step < 3, column + 1, self.columns + row + 1))
        with m.If(step == 2):
            m.d.sync += [group.left.eq(low), group.right.eq(high)]
        with m.If(step == 5):
            m.d.sync += [group.top.eq(low), group.bottom.eq(high)]
        m.d.sync += [
            group.list_address.eq(begin),
            group.list_count.eq(count),
            group.valid_columns.eq(valid(left_x)),
            group.valid_rows.eq(valid(left_y)),
            group.low.eq(spec.camera_format.low),
            group.high.eq(spec.camera_format.high),
        ]
        with m.If(next_one):
            m.d.sync += [
                self.groups.eq(self.groups + 1),
                self.busy.eq(~(last_column & last_row)),
                column.eq(Mux(last_column, 0, column + 1)),
                left_x.eq(Mux(last_column, self.view.width, left_x - size)),
                group.centre_x.eq(Mux(last_column, self.view.principal_x, group.centre_x - step_size)),
            ]
            with m.If(last_column):
                m.d.sync += [
                    row.eq(row + 1),
                    left_y.eq(left_y - size),
                    group.centre_y.eq(group.centre_y - step_size),
                ]
        with m.If(self.start):
            m.d.sync += [
                self.groups.eq(0),
                self.busy.eq((self.columns != 0) & (self.rows != 0)),
                column.eq(0),
                row.eq(0),
                left_x.eq(self.view.width),
                left_y.eq(self.view.height),
                group.centre_x.eq(self.view.principal_x),
                group.centre_y.eq(self.view.principal_y),
            ]
        return group
