"""Reads the head of a list, which says where the list lies, and then its rows on demand."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature
from hw.lib.row_reader import RowReader


class ListReader(wiring.Component):
    """On `start` loads the head at `address`; on `next` the row that follows, the first from where the head says.

    Rows are as long as the head. One burst each, variable latency (the memory's).

    Raises:
        ValueError: head and row differ in size, or are no whole number of words, see `RowReader`.
    """

    def __init__(self, *, width: int, head: data.StructLayout, row: data.StructLayout, place: str) -> None:
        if head.size != row.size:
            raise ValueError(f"ListReader: head and row must have one size, they have {head.size} and {row.size} bits")
        self.width, self.place = width, place  #: `place`: the head's field with the rows' address
        super().__init__(
            {
                "start": In(1),  #: load the head at `address`; not while `busy`
                "address": In(ADDRESS_WIDTH),  #: in bytes
                "next": In(1),  #: load the row that follows; not while `busy`
                "head": Out(head),  #: stable from the end of its `busy` on
                "row": Out(row),  #: stable from the end of its `busy` until the next `start` or `next`
                "busy": Out(1),  #: a head or a row is on its way
                "memory": Out(ReadSignature(width)),  #: where both lie
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        row_bytes = Value.cast(self.row).shape().width // 8
        m.submodules.reader = reader = RowReader(width=self.width, row_bytes=row_bytes)
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)
        place, following = Signal(ADDRESS_WIDTH), Signal(ADDRESS_WIDTH)
        asking, coming, whole = Signal(), Signal(), Signal()  # whole: the head is loaded
        read = self.head.shape()(reader.o.payload)
        m.d.comb += [
            self.busy.eq(asking | coming),
            reader.i.payload.eq(place),
            reader.i.valid.eq(asking),
            reader.o.ready.eq(1),
            Value.cast(self.row).eq(reader.o.payload),  # the reader keeps the row that it read last
        ]
        with m.If(self.start):
            m.d.sync += [place.eq(self.address), whole.eq(0), asking.eq(1), coming.eq(1)]
        with m.Elif(self.next):
            m.d.sync += [place.eq(following), following.eq(following + row_bytes), asking.eq(1), coming.eq(1)]
        with m.Else():
            with m.If(reader.i.ready):
                m.d.sync += asking.eq(0)
            with m.If(reader.o.valid):
                m.d.sync += [coming.eq(0), whole.eq(1)]
                with m.If(~whole):
                    m.d.sync += [self.head.eq(read), following.eq(read[self.place])]
        return m
