"""Scores of words of tokens: a lane a token, and the references that join the rows."""

from __future__ import annotations

from itertools import pairwise

from amaranth.hdl import Cat, Elaboratable, Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.kv.spec import KEY_BITS, Spec
from hw.kv.layouts import SCORE_BITS, PlaneLayout, scan_row_layout
from hw.kv.row_maximum import RowMaximum
from hw.kv.scan_lane import ScanLane, row_scores
from hw.lib.shared import repeat


class ScoredLayout(data.StructLayout):
    """A word's joined scores."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "valid": 1,  #: a word is shown
                "word": range(spec.plane_words),  #: its number
                "scores": data.ArrayLayout(SCORE_BITS, spec.plane_tokens),  #: its tokens'
            }
        )


class PlaneScores(wiring.Component):
    """Takes a plane of a word of tokens a cycle; behind a run's last plane the word's joined scores leave.

    `look` takes the largest scores of a word that has just been read into the references.
    """

    latency = ScanLane.latency

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        super().__init__(
            {
                "row": In(scan_row_layout(spec)),  #: the head's; holds still
                "fresh": In(1),  #: runs begin with the sign; holds still while planes come
                "planes": In(range(KEY_BITS + 1)),  #: that a word is known to after its run; 2 cycles before the first
                "i": In(stream.Signature(PlaneLayout(spec))),  #: planes
                "o": Out(ScoredLayout(spec)),  #: `latency` cycles after a run's last plane
                "begin": In(1),  #: forget the references
                "look": In(1),  #: look at the scores of the word that was read last, `scored` cycles after it
                "tokens": In(range(spec.plane_tokens + 1)),  #: how many tokens it holds; holds still while looking
                "looking": Out(1),  #: the references are being taken
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec = self.spec
        lanes = repeat(m, platform, "scan_lane", spec.plane_tokens, lambda: ScanLane(spec=spec))
        m.submodules.maximum = maximum = RowMaximum(spec=spec)
        unread = Signal(range(KEY_BITS))
        middle = Signal(row_scores(spec))
        m.d.sync += unread.eq(KEY_BITS - self.planes)
        for r in range(spec.group):
            total = self.row[f"sum_{r}"]
            m.d.sync += middle.row[r].eq(((total << unread) - total) >> 1)
        plane = self.i.payload
        m.d.comb += [
            self.i.ready.eq(1),
            maximum.begin.eq(self.begin),
            maximum.go.eq(self.look),
            maximum.tokens.eq(self.tokens),
            self.looking.eq(maximum.busy),
        ]
        for k, lane in enumerate(lanes):
            m.d.comb += [
                lane.bits.eq(plane.bits.word_select(k, spec.head_size)),
                lane.valid.eq(self.i.valid),
                lane.first.eq(plane.first),
                lane.last.eq(plane.last),
                lane.word.eq(plane.word),
                lane.fresh.eq(self.fresh),
                lane.unread.eq(unread),
                lane.queries.eq(self.row.queries),
                lane.valid_rows.eq(self.row.valid),
                Value.cast(lane.middle).eq(Value.cast(middle)),
                Value.cast(lane.references).eq(Value.cast(maximum.largest)),
                lane.shift.eq(self.row["shift"]),
                Value.cast(maximum.scores.lane[k]).eq(Value.cast(lane.scores)),
                self.o.scores[k].eq(lane.score),
            ]
        ends = Signal(self.latency)
        words = [Signal.like(plane.word, name=f"word_{k}") for k in range(self.latency)]
        m.d.sync += [ends.eq(Cat(self.i.valid & plane.last, ends[:-1])), words[0].eq(plane.word)]
        m.d.sync += [after.eq(before) for before, after in pairwise(words)]
        m.d.comb += [self.o.valid.eq(ends[-1]), self.o.word.eq(words[-1])]
        return m
