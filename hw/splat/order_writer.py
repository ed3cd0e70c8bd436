"""Writes lists in drawing order, and the table of the squares that they are of."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.memory_map import GROUP_BYTES, LINE_BYTES, VOXEL_BYTES
from golden.splat.spec import Spec
from hw.lib.memory_port import ADDRESS_WIDTH, WriteSignature
from hw.lib.payloads import SortedLayout
from hw.lib.stream import transfer
from hw.splat.order_entry import carried
from hw.splat.row_layouts import group_layout


class OrderWriter(wiring.Component):
    """For every square its entries, from a line on, as they come; then its group's entry, with the list's place.

    Entries take a cycle each and one a word, a square as many more as its group's entry has words, and 2. The slabs of
    a `continued` square make one list. The host leaves room for all that the groups' voxels hold.
    """

    def __init__(self, *, spec: Spec, memory_width: int) -> None:
        self.memory_width = memory_width
        self.word_bytes = memory_width // 8
        self.per_word = self.word_bytes // VOXEL_BYTES
        super().__init__(
            {
                "start": In(1),  #: the next square is the first of a frame
                "address": In(ADDRESS_WIDTH),  #: with `start`: of the table; lists lie behind it
                "group_count": In(16),  #: with `start`: entries for which the table has room
                "groups": In(stream.Signature(group_layout())),  #: of the lists
                "i": In(stream.Signature(SortedLayout(spec))),  #: entries in place of splats, and each group's end
                "listed": Out(range(self.per_word + 1)),  #: entries that are written in this cycle
                "group_end": Out(1),  #: all of a group is written, with this cycle's word
                "write": Out(WriteSignature(memory_width)),  #: lists and table
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        word = Signal(self.memory_width)
        filled = Signal(range(self.per_word + 1))
        table, address, begin = (Signal(ADDRESS_WIDTH, name=name) for name in ("table", "next_word", "begin"))
        count = Signal(32)  # entries of the list that are written
        ends, kept = Signal(), Signal()  # the group is complete; it is not its square's last one
        rows = 8 * GROUP_BYTES // self.memory_width
        part = Signal(range(max(rows, 2)))
        group = Signal(group_layout())
        taken = self.groups.payload
        m.d.comb += [group.eq(taken), group.list_address.eq(begin), group.list_count.eq(count)]
        continued = taken.continued[0] | kept
        request = self.write.request
        m.d.comb += request.payload.last.eq(1)
        entry = carried(self.i.payload)[: 8 * VOXEL_BYTES]
        with m.FSM():
            with m.State("FILL"):
                m.d.comb += self.i.ready.eq(1)
                m.d.sync += part.eq(0)
                with m.If(self.i.valid & self.i.payload.end):
                    m.d.sync += [ends.eq(1), kept.eq(self.i.payload.kept)]
                    m.next = "CLOSE"
                with m.Elif(self.i.valid):
                    m.d.sync += filled.eq(filled + 1)
                    for k in range(self.per_word):
                        with m.If(filled == k):
                            m.d.sync += word.word_select(k, len(entry)).eq(entry)
                    with m.If(filled == self.per_word - 1):
                        m.next = "WORD"
            with m.State("CLOSE"):
                # A square that goes on keeps what it has of a word.
                m.next = "GROUP"
                with m.If(self.groups.valid & ~continued & (filled != 0)):
                    m.next = "WORD"
                with m.Elif(~self.groups.valid):
                    m.next = "CLOSE"
            with m.State("WORD"):
                m.d.comb += [
                    request.valid.eq(1),
                    request.payload.address.eq(address),
                    request.payload.data.eq(word),
                ]
                with m.If(request.ready):
                    m.d.comb += self.listed.eq(filled)
                    m.d.sync += [
                        filled.eq(0),
                        word.eq(0),
                        count.eq(count + filled),
                        address.eq(address + self.word_bytes),
                    ]
                    m.next = "FILL"
                    with m.If(ends):
                        m.next = "GROUP"
            with m.State("GROUP"):
                m.d.comb += [
                    request.valid.eq(self.groups.valid & ~continued),
                    request.payload.address.eq(table),
                    request.payload.data.eq(Value.cast(group).word_select(part, self.memory_width)),
                ]
                with m.If(transfer(request)):
                    m.d.sync += [table.eq(table + self.word_bytes), part.eq(part + 1)]
                with m.If(self.groups.valid & continued):
                    m.d.comb += self.group_end.eq(1)
                with m.Elif(transfer(request) & (part == rows - 1)):
                    lines = (LINE_BYTES - 1).bit_length()
                    after = ((address + (LINE_BYTES - 1)) >> lines << lines)[:ADDRESS_WIDTH]
                    m.d.comb += self.group_end.eq(1)
                    m.d.sync += [address.eq(after), begin.eq(after), count.eq(0)]
                with m.If(self.group_end):
                    m.d.comb += self.groups.ready.eq(1)
                    m.d.sync += ends.eq(0)
                    m.next = "FILL"
        with m.If(self.start):
            lists = (self.address + self.group_count * GROUP_BYTES)[:ADDRESS_WIDTH]
            m.d.sync += [table.eq(self.address), address.eq(lists), begin.eq(lists), count.eq(0), filled.eq(0)]
        return m
