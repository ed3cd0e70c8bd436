"""Walks through the flits of a turn."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.cluster.config import Config
from hw.cluster.layouts import INDEX, LENGTH, TURN, ItemLayout, WalkLayout
from hw.lib.fixed import resize
from hw.lib.stream import transfer


class Walker(wiring.Component):
    """One side of a turn to its flits, piece by piece, in the order of golden/cluster/turns.py.

        piece j is number rank XOR j, or (rank - j) mod N;  address = base + number·flits + w

    An inactive side gives one inactive item. Turns are numbered from 0. Latency 2 cycles, throughput
    one flit a cycle, turns back to back. `i.ready` depends on `o.ready`.
    """

    def __init__(self, *, config: Config) -> None:
        self.spec = config.spec
        super().__init__(
            {
                "i": In(stream.Signature(WalkLayout(self.spec))),  #: one side of each turn, taken with its last flit
                "o": Out(stream.Signature(ItemLayout(self.spec))),  #: its flits in order
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        side = self.i.payload
        piece = Signal(range(self.spec.nodes))
        flit, index = Signal(LENGTH), Signal(INDEX)
        record = Signal(LENGTH)
        turn = Signal(TURN)
        piece_ends, turn_ends = Signal(), Signal()
        m.d.comb += [
            piece_ends.eq(flit == side.flits - 1),
            turn_ends.eq(~side.active | (piece_ends & (piece == side.segments - 1))),
        ]
        number = Signal(self.spec.rounds)
        m.d.comb += number.eq(Mux(side.xor, side.rank ^ piece, side.rank - piece))

        middle = Signal(ItemLayout(self.spec))
        start, within, base = Signal(INDEX), Signal(LENGTH), Signal.like(side.base)
        middle_valid = Signal()
        o = self.o.payload
        moves = Signal()  # both registers advance together
        m.d.comb += [moves.eq(~self.o.valid | self.o.ready), self.i.ready.eq(moves & turn_ends)]
        with m.If(moves):
            m.d.sync += [
                middle_valid.eq(self.i.valid),
                start.eq(number * side.flits),
                within.eq(flit),
                base.eq(side.base),
                middle.active.eq(side.active),
                middle.last.eq(turn_ends),
                middle.turn.eq(turn),
                middle.index.eq(index),
                middle.need.eq((index + 1).as_signed() - resize(side.offset, unsigned(INDEX))),
                middle.operation.header.eq(record == 0),
            ]
            m.d.sync += [middle[name].eq(side[name]) for name in ("link", "peer", "widen", "stream", "wait", "discard")]
            m.d.sync += [middle.operation[name].eq(side[name]) for name in ("format", "kind", "reduce")]
            with m.If(self.i.valid):
                m.d.sync += [flit.eq(flit + 1), index.eq(index + 1), record.eq(record + 1)]
                with m.If(record == side.record - 1):
                    m.d.sync += record.eq(0)
                with m.If(piece_ends):
                    m.d.sync += [flit.eq(0), piece.eq(piece + 1)]
            with m.If(transfer(self.i)):
                m.d.sync += [flit.eq(0), index.eq(0), record.eq(0), piece.eq(0), turn.eq(turn + 1)]
            place = Signal(INDEX)
            m.d.comb += place.eq(start + within)
            m.d.sync += [
                self.o.valid.eq(middle_valid),
                o.eq(middle),
                o.address.eq(base + Mux(middle.widen, place[1:], place)),
                o.half.eq(place[0]),
            ]
        return m
