"""How far a search has come: no subtree before the horizon will be called any more."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from golden.lod.spec import SUBTREE_BITS
from hw.lib.leading_zeros import leading_zeros
from hw.lib.queue import StreamQueue
from hw.lod.config import Config

END_BITS = SUBTREE_BITS + 1
CLASSES = SUBTREE_BITS + 2  # subtree numbers by their bits, and one behind the last


class Horizon(wiring.Component):
    """The place before which no visit, under way or to come, will call a subtree.

    Subtrees are numbered breadth-first, so the children of the oldest visit under way, and of all
    behind it, lie at or behind `children_end` of any subtree before it. Two such places are
    known: the furthest one of this view's retired subtrees; and, from earlier views too, the
    furthest one of subtrees whose number has fewer bits than that of the oldest visit. With
    the second one a view need not wait for its first visits. Latency 3 cycles; a place that comes
    late is merely a nearer one.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        super().__init__(
            {
                "start": In(1),  #: a view begins
                "turn": In(1),  #: of the view that has begun
                "forget": In(1),  #: the next view is of another tree
                #: a visit begins
                "sent": In(data.StructLayout({"valid": 1, "subtree": SUBTREE_BITS})),
                #: the oldest visit under way, of a view of `turn`, is over
                "retired": In(
                    data.StructLayout({"valid": 1, "subtree": SUBTREE_BITS, "children_end": END_BITS, "turn": 1})
                ),
                #: subtrees before this one are called no more in this view; rises until the next `start`
                "o": Out(END_BITS),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        visit = data.StructLayout({"bits": range(SUBTREE_BITS + 1), "turn": 1})
        m.submodules.under_way = under_way = StreamQueue(shape=visit, depth=self.config.tickets)
        m.submodules.ends = ends = Memory(shape=END_BITS, depth=CLASSES, init=[])
        write = ends.write_port()
        old, floor = (ends.read_port(domain="comb") for _ in range(2))
        known = Signal(CLASSES)
        # Which visit begins is known late in its cycle: it counts from the next one on.
        begun, begun_turn = Signal.like(self.sent), Signal()
        m.d.sync += [begun.eq(self.sent), begun_turn.eq(self.turn)]
        m.d.comb += [
            under_way.i.valid.eq(begun.valid),
            under_way.i.payload.bits.eq(SUBTREE_BITS - leading_zeros(begun.subtree)),
            under_way.i.payload.turn.eq(begun_turn),
            under_way.o.ready.eq(self.retired.valid),
        ]

        over, told = Signal(), Signal()
        behind, place = Signal(range(CLASSES)), Signal(range(CLASSES))  # the class behind the subtree's
        end, reached = Signal(END_BITS), Signal(END_BITS)
        m.d.sync += [
            over.eq(self.retired.valid & (self.retired.turn == self.turn) & ~self.start),
            behind.eq(SUBTREE_BITS + 1 - leading_zeros(self.retired.subtree)),
            end.eq(self.retired.children_end),
            told.eq(over),
            place.eq(behind),
        ]
        with m.If(self.start):
            m.d.sync += reached.eq(0)
        with m.Elif(over & (end > reached)):
            m.d.sync += reached.eq(end)
        m.d.comb += [
            old.addr.eq(place),
            write.addr.eq(place),
            write.data.eq(reached),
            write.en.eq(told & (~known.bit_select(place, 1) | (reached > old.data))),
        ]
        with m.If(self.forget):
            m.d.sync += known.eq(0)
        with m.Elif(told):
            m.d.sync += known.bit_select(place, 1).eq(1)

        # While visits of the previous view come first, the first one of this view counts as the oldest.
        oldest, first = under_way.o.payload, Signal.like(under_way.o.payload.bits, name="first")
        sent, nearest = Signal(), Signal(END_BITS)
        m.d.comb += floor.addr.eq(Mux(under_way.o.valid & (oldest.turn == self.turn), oldest.bits, first))
        with m.If(self.start):
            m.d.sync += [sent.eq(0), nearest.eq(0), self.o.eq(0)]
        with m.Else():
            m.d.sync += [
                sent.eq(sent | begun.valid),
                nearest.eq(Mux(sent & known.bit_select(floor.addr, 1), floor.data, 0)),
                self.o.eq(Mux(nearest > reached, nearest, reached)),
            ]
        with m.If(begun.valid & ~sent):
            m.d.sync += first.eq(under_way.i.payload.bits)
        return m
