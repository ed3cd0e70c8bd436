"""Turns the records of selected tokens into rows of the decode units' cache."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.chips.decode.config import Config
from hw.lib.memory_port import ADDRESS_WIDTH, WriteLayout, WriteSignature
from hw.lib.stream import transfer


class RecordLanes(wiring.Component):
    """Of every head `selected` records, each a token's key and its value, to rows of keys and of values.

    A row is N tokens: word e of it has flit e of the r·N + b-th token in lane b. A head's last row has a place left for
    the token that is decoded, and zeros where there is no token; so a head has selected // N + 1 rows. Equals
    `golden.chips.decode.memory_image.lanes_of`. N tokens come in, then a row goes out, a word a cycle each.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        width = config.memory_width
        super().__init__(
            {
                "begin": In(1),  #: head 0 is next; not while words are under way
                "address": In(ADDRESS_WIDTH),  #: of head 0's keys; holds still
                "stride": In(ADDRESS_WIDTH),  #: from head to head; values lie half of it behind their keys; holds still
                "selected": In(16),  #: tokens of each head, at least 1; holds still
                "i": In(stream.Signature(WriteLayout(width))),  #: words of records, one after another
                "memory": Out(WriteSignature(width)),  #: rows, a run of keys and one of values each
                "busy": Out(1),  #: words of a row are held
                "picked": Out(1),  #: a record has come whole
                "done": Out(range(config.spec.kv.heads + 1)),  #: heads whose last word has left, since `begin`
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec, word_bytes = self.config.spec, self.config.word_bytes
        nodes, flit = spec.nodes, spec.cluster.link_width
        parts = 2 * spec.key_words  # words of a record
        columns = parts * nodes  # words of a row's keys and values
        held = [[Signal(nodes * flit, name=f"held_{w}_{f}") for f in range(nodes)] for w in range(parts)]
        flat = [column for part in held for column in part]
        word, lane = Signal(range(parts)), Signal(range(nodes))
        left = Signal.like(self.selected)  # tokens of the head that have not come
        open_row = Signal()  # the row at hand has a place for the new token
        column = Signal(range(columns))
        key_at, value_at, next_head = (Signal(ADDRESS_WIDTH, name=f"{n}_at") for n in ("key", "value", "head"))
        request = self.memory.request
        second = column >= columns // 2  # of values
        comes = transfer(self.i)
        whole = Signal()  # the record's last word
        m.d.comb += [
            whole.eq(word == parts - 1),
            self.picked.eq(comes & whole),
            self.busy.eq((word != 0) | (lane != 0) | request.valid),
            request.payload.data.eq(Cat(flat).word_select(column, 8 * word_bytes)),
            request.payload.address.eq(key_at),
            request.payload.last.eq((column == columns // 2 - 1) | (column == columns - 1)),
        ]
        with m.If(second):
            m.d.comb += request.payload.address.eq(value_at)
        for w, part in enumerate(held):
            for f, own in enumerate(part):
                for b in range(nodes):
                    with m.If(comes & (word == w) & (lane == b)):
                        m.d.sync += own.word_select(b, flit).eq(self.i.payload.data.word_select(f, flit))
                with m.If(transfer(request) & (column == w * nodes + f)):
                    m.d.sync += own.eq(0)
        with m.FSM():
            with m.State("begin"):  # a head
                m.d.sync += [
                    left.eq(self.selected),
                    key_at.eq(next_head),
                    value_at.eq(next_head + self.stride[1:]),
                    word.eq(0),
                    lane.eq(0),
                    open_row.eq(1),
                ]
                with m.If(~self.begin):
                    m.next = "fill"
            with m.State("fill"):
                m.d.comb += self.i.ready.eq(1)
                with m.If(self.begin):
                    m.next = "begin"
                with m.If(comes):
                    m.d.sync += word.eq(word + 1)
                    with m.If(whole):
                        m.d.sync += [word.eq(0), lane.eq(lane + 1), left.eq(left - 1)]
                        with m.If(lane == nodes - 1):
                            m.d.sync += open_row.eq(0)
                        with m.If((lane == nodes - 1) | (left == 1)):
                            m.next = "drain"
            with m.State("drain"):
                m.d.comb += request.valid.eq(1)
                with m.If(transfer(request)):
                    m.d.sync += column.eq(column + 1)
                    with m.If(second):
                        m.d.sync += value_at.eq(value_at + word_bytes)
                    with m.Else():
                        m.d.sync += key_at.eq(key_at + word_bytes)
                    with m.If(column == columns - 1):
                        m.d.sync += [column.eq(0), lane.eq(0), open_row.eq(1)]
                        with m.If(left != 0):
                            m.next = "fill"
                        with m.Elif(open_row):
                            m.d.sync += [next_head.eq(next_head + self.stride), self.done.eq(self.done + 1)]
                            m.next = "begin"
        with m.If(self.begin):
            m.d.sync += [next_head.eq(self.address), self.done.eq(0)]
        return m
