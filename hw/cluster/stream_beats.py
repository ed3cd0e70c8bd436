"""Numbers the words of a decode unit's stream."""

from __future__ import annotations

from enum import IntEnum

from amaranth.hdl import Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.cluster.spec import GROUP, Move, Op, Spec
from hw.cluster.layouts import LENGTH, Beat, BeatLayout, command_layout


class Section(IntEnum):
    """The parts of a row block of weights."""

    SCALES = 0
    GROUPS = 1
    ROWS = 2


def group_flits(spec: Spec, record: Value) -> Value:
    """Flits of a row block's steps and offsets, for rows of `record` flits."""
    if spec.weight_bits == 8:
        return Value.cast(0)
    return (record * spec.flit_bytes + GROUP - 1).shift_right((GROUP - 1).bit_length())


class StreamBeats(wiring.Component):
    """The beat of each word of a stream, in the order of `golden.cluster.weights` and of a cache's rows."""

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        super().__init__(
            {
                "command": In(command_layout()),  #: whose stream it is; holds still from `begin` on
                "begin": In(1),  #: the next word is a stream's first
                "step": In(1),  #: the word at hand leaves in this cycle
                "o": Out(BeatLayout(spec)),  #: the beat of the word at hand; combinational, from registers
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec, c, o = self.spec, self.command, self.o
        projects, loads = c.op == Op.GEMV, c.op == Op.LOAD
        section = Signal(Section)
        column, place = Signal(LENGTH), Signal(LENGTH)
        word, line, rows = Signal.like(o.word), Signal.like(o.address), Signal(32)  # rows before this one
        groups = Signal(LENGTH)
        row_ends = column == Mux(loads, c.flits, c.record)[:LENGTH] - 1
        per_group = max(1, 4 * GROUP // spec.link_width)  # flits of weights
        all_rows = Signal(32)
        m.d.sync += [
            groups.eq(group_flits(spec, c.record)),
            all_rows.eq(Mux(projects, c.flits << (spec.lanes - 1).bit_length(), c.flits)),
        ]
        kind = Mux(
            projects,
            Mux(section == Section.SCALES, Beat.SCALES, Mux(section == Section.GROUPS, Beat.GROUPS, Beat.WEIGHTS)),
            Mux(
                loads,
                Mux(c.kind == Move.CONSTANTS, Beat.CONSTANTS, Beat.ACTIVATIONS),
                Mux(c.op == Op.SCORE, Beat.KEYS, Beat.VALUES),
            ),
        )
        m.d.comb += [
            o.kind.eq(kind),
            o.first.eq(column == 0),
            o.last.eq(row_ends),
            o.begin.eq(rows == 0),
            o.final.eq(rows == all_rows - 1),
            o.word.eq(word),
            o.index.eq(Mux(loads, c.target + column, column)),
            o.place.eq(place),
            o.address.eq(Mux(c.op == Op.WEIGH, c.source, c.target) + line),
        ]
        with m.If(self.step):
            m.d.sync += column.eq(column + 1)
            with m.If(projects & (section == Section.SCALES)):
                m.d.sync += [column.eq(0), section.eq(Section.ROWS if spec.weight_bits == 8 else Section.GROUPS)]
            with m.Elif(projects & (section == Section.GROUPS)):
                with m.If(column == groups - 1):
                    m.d.sync += [column.eq(0), section.eq(Section.ROWS)]
            with m.Else():
                m.d.sync += place.eq(place + (column[: (per_group - 1).bit_length()] == per_group - 1))
                with m.If(row_ends):
                    m.d.sync += [column.eq(0), word.eq(word + 1), rows.eq(rows + 1)]
                    with m.If(word == spec.lanes - 1):
                        m.d.sync += [line.eq(line + 1), section.eq(Section.SCALES), place.eq(0)]
        with m.If(self.begin):
            m.d.sync += [
                *(counter.eq(0) for counter in (column, place, word, line, rows)),
                section.eq(Section.SCALES),
            ]
        return m
