"""Writes the visiting lists and the group table."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.memory_map import GROUP_BYTES, LINE_BYTES, VOXEL_BYTES
from hw.lib.fixed import shape_of
from hw.lib.memory_port import ADDRESS_WIDTH, WriteSignature
from hw.lib.stream import transfer
from hw.splat.config import Config
from hw.splat.row_layouts import group_layout, view_layout, voxel_layout
from hw.splat.voxel_layouts import CrossLayout, ListedLayout, SidesLayout

SIDES_READ = 3  # step at which a group's sides have been read


class ListWriter(wiring.Component):
    """For every list: its entries, from a line on; then its group's entry.

    A list takes a cycle an entry and one a word, a group 5 cycles and its own words. Entries for which there
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
                "read_row": Out(CrossLayout(self.bits)),  #: of the tables of columns' and of rows' sides
                "read_sides": In(CrossLayout(SidesLayout(spec))),  #: these rows, two cycles later
                "busy": Out(1),  #: groups are missing
                "listed": Out(range(self.per_word + 1)),  #: entries that are written in this cycle
                "lost": Out(range(self.per_word + 1)),  #: entries that are left out in this cycle
                "groups": Out(32),  #: that are written
                "write": Out(WriteSignature(config.memory_width)),  #: lists and group table
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        self._write(m, self.i)
        return m

    def _write(self, m: Module, visits: stream.Interface) -> None:
        word = Signal(data.ArrayLayout(voxel_layout(), self.per_word))
        filled = Signal(range(self.per_word + 1))
        address, begin = Signal(ADDRESS_WIDTH), Signal(ADDRESS_WIDTH)  # of the next word; of the list
        count = Signal(32)
        ends = Signal()  # the list is complete
        step = Signal(range(SIDES_READ + 1))
        group = self._group(m, begin, count, next_one := Signal(), step)
        m.d.sync += next_one.eq(0)
        rows = 8 * GROUP_BYTES // self.config.memory_width
        part = Signal(range(max(rows, 2)))
        row_address = Signal(ADDRESS_WIDTH)
        request = self.write.request
        full = address >= self.view.list_end

        entry = Signal(voxel_layout())
        voxel, depth = visits.payload.entry, visits.payload.bound - self.near
        m.d.comb += [
            *(entry[f"index_{axis}"].eq(voxel.index[k]) for k, axis in enumerate("xyz")),
            entry.count.eq(voxel.count),
            entry.first.eq(voxel.first),
            entry.depth.eq(Mux(depth < 0, 0, depth)),
        ]
        with m.FSM():
            with m.State("FILL"):
                m.d.comb += visits.ready.eq(1)
                m.d.sync += [step.eq(0), part.eq(0)]
                with m.If(visits.valid & visits.payload.end):
                    m.d.sync += ends.eq(1)
                    m.next = "GROUP"
                    with m.If(filled != 0):
                        m.next = "WORD"
                with m.Elif(visits.valid):
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
                with m.If(step == SIDES_READ):
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
                        m.d.sync += [
                            next_one.eq(1),  # a cycle later than the write port's answer, which comes late in its cycle
                            address.eq(after),
                            begin.eq(after),
                            count.eq(0),
                            ends.eq(0),
                        ]
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
        """The entry of the group at hand, whole behind step `SIDES_READ`; `next_one` moves on, row by row."""
        spec = self.config.spec
        group = Signal(group_layout())
        column, row = Signal(self.bits), Signal(self.bits)
        left_x, left_y = Signal(16), Signal(16)  # pixels of the image from the group's corner on
        size, step_size = spec.group_size, spec.group_size << spec.screen_fraction
        last_column, last_row = column + 1 == self.columns, row + 1 == self.rows
        across, down = self.read_sides.column, self.read_sides.row

        def valid(left: Value) -> Value:
            places = spec.subtile.bit_length() - 1
            return Mux(left >= size, spec.columns, (left + spec.subtile - 1) >> places)

        m.d.comb += [self.read_row.column.eq(column + 1), self.read_row.row.eq(row + 1)]
        m.d.sync += [
            group.left.eq(across.low.slope),
            group.right.eq(across.high.slope),
            group.top.eq(down.low.slope),
            group.bottom.eq(down.high.slope),
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
