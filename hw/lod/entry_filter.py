"""Which nodes of a subtree have to be gone through."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.lod.memory_map import MASK_BITS
from hw.lib.leading_zeros import trailing_zeros
from hw.lod.config import Config
from hw.lod.layouts import EntranceLayout, WordLayout, block_header_layout, node_layout


class EntryFilter(wiring.Component):
    """Looks at the words of a subtree on their way in and says where its test begins.

    A subtree holds groups of several parents' nodes. To be gone through are those below nodes that
    the parent subtree expanded, and frontier nodes that were expanded at the last visit, since their
    child subtrees have to be told. All others are not reached, and cost no cycle of the test.
    Latency 2 cycles from a subtree's last word; a word a cycle.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        super().__init__(
            {
                #: memory words of subtrees; the words of one come together and in order
                "word": In(data.StructLayout({"valid": 1, **WordLayout(config).members})),
                "o": Out(EntranceLayout(config)),  #: a subtree is complete, and where its test begins
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec, word = self.config.spec, self.word
        lanes, width = self.config.nodes_per_word, spec.node_bits
        node = node_layout(spec)
        visit, header = word.load.visit, Signal(block_header_layout())
        entered = Signal(lanes)
        for lane in range(lanes):
            entry = node(word.data[lane * width :][:width]).entry
            m.d.comb += entered[lane].eq(visit.entered.bit_select(entry, 1))
        here = Signal(MASK_BITS)  # this word's nodes at their places
        above = Cat(Const(0, (lanes - 1).bit_length()), word.row)
        m.d.comb += [
            here.eq((entered << above) >> spec.header_slots),
            Value.cast(header).eq(word.data[: header.shape().size]),
        ]
        found, before, todo = Signal(MASK_BITS), Signal(MASK_BITS), Signal(MASK_BITS)
        complete = Signal()
        context, last = Signal.like(self.o.context), Signal.like(self.o.last)
        m.d.sync += complete.eq(word.valid & word.last)
        with m.If(word.valid):
            m.d.sync += [
                found.eq(Mux(word.row == 0, 0, found) | here),
                before.eq(visit.before),
                context.eq(word.load.context),
            ]
            with m.If(word.row == 0):
                m.d.sync += last.eq(header.last)
        m.d.comb += todo.eq(found | before)
        m.d.sync += [
            self.o.valid.eq(complete),
            self.o.context.eq(context),
            self.o.last.eq(last),
            self.o.todo.eq(todo),
            self.o.first.eq(trailing_zeros(todo)),
        ]
        return m
