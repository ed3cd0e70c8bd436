"""Scores of words of tokens: a lane a token, and the references that join the rows."""

from __future__ import annotations

from itertools import pairwise

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.kv.spec import KEY_BITS, Spec
from hw.kv.layouts import PlaneLayout, ScoredLayout, scan_row_layout
from hw.kv.row_maximum import RowMaximum
from hw.kv.scan_lane import ScanLane, row_scores
from hw.lib.shared import repeat
from hw.lib.stream import transfer


class PlaneScores(wiring.Component):
    """Takes a plane of a word of tokens a cycle; behind a run's last plane the word's joined scores leave.

    Behind a run for the references its largest scores are taken into them, and no plane is taken until that is done:
    `scored` cycles, and one a token.
    """

    latency = ScanLane.latency

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        tokens = range(spec.scan_tokens + 1)
        super().__init__(
            {
                "row": In(scan_row_layout(spec)),  #: the head's; holds still
                "tokens": In(tokens),  #: of the job; holds still from 3 cycles before the first plane on
                "fresh": In(1),  #: runs begin with the sign; holds still while planes come
                "begin": In(1),  #: forget the references
                "i": In(stream.Signature(PlaneLayout(spec))),  #: planes
                "o": Out(ScoredLayout(spec)),  #: `latency` cycles after a run's last plane
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec = self.spec
        lanes = repeat(m, platform, "scan_lane", spec.plane_tokens, lambda: ScanLane(spec=spec))
        m.submodules.maximum = maximum = RowMaximum(spec=spec)
        plane, taken = self.i.payload, transfer(self.i)
        unread = [Signal(range(KEY_BITS), name=f"unread_{k}") for k in range(ScanLane.scored - 2)]
        middle = Signal(row_scores(spec))
        with m.If(taken):
            m.d.sync += unread[0].eq(KEY_BITS - plane.planes)
        m.d.sync += [after.eq(before) for before, after in pairwise(unread)]
        for r in range(spec.group):
            total = self.row[f"sum_{r}"]
            m.d.sync += middle.row[r].eq(((total << unread[-1]) - total) >> 1)
        for k, lane in enumerate(lanes):
            m.d.comb += [
                lane.bits.eq(plane.bits.word_select(k, spec.head_size)),
                lane.valid.eq(taken),
                lane.first.eq(plane.first),
                lane.last.eq(plane.last),
                lane.word.eq(plane.word),
                lane.fresh.eq(self.fresh),
                lane.unread.eq(unread[-1]),
                lane.queries.eq(self.row.queries),
                lane.valid_rows.eq(self.row.valid),
                Value.cast(lane.middle).eq(Value.cast(middle)),
                Value.cast(lane.references).eq(Value.cast(maximum.largest)),
                lane.shift.eq(self.row["shift"]),
                Value.cast(maximum.scores.lane[k]).eq(Value.cast(lane.scores)),
                self.o.scores[k].eq(lane.score),
            ]
        self._references(m, maximum)
        self._words(m)
        return m

    def _references(self, m: Module, maximum: RowMaximum) -> None:
        """Holds planes back behind a run for the references until its scores have been looked at."""
        spec, plane = self.spec, self.i.payload
        last_tokens = Signal(range(spec.plane_tokens + 1))
        until = Signal(range(ScanLane.scored + 1))  # cycles until the scores are there
        m.d.sync += [
            last_tokens.eq(self.tokens - (self.row.words - 1) * spec.plane_tokens),
            until.eq(Mux(transfer(self.i) & plane.last & plane.end, ScanLane.scored, Mux(until == 0, 0, until - 1))),
        ]
        with m.If(transfer(self.i)):
            m.d.sync += maximum.tokens.eq(Mux(plane.word == self.row.words - 1, last_tokens, spec.plane_tokens))
        m.d.comb += [
            maximum.begin.eq(self.begin),
            maximum.go.eq(until == 1),
            self.i.ready.eq((until == 0) & ~maximum.busy),
        ]

    def _words(self, m: Module) -> None:
        """The number, planes and tokens of the word whose scores leave."""
        spec, plane = self.spec, self.i.payload
        size = spec.plane_tokens
        ends = Signal(self.latency)
        words = [Signal.like(plane.word, name=f"word_{k}") for k in range(self.latency)]
        planes = [Signal.like(plane.planes, name=f"planes_{k}") for k in range(self.latency)]
        m.d.sync += [
            ends.eq(Cat(transfer(self.i) & plane.last & ~plane.end, ends[:-1])),
            words[0].eq(plane.word),
            planes[0].eq(plane.planes),
            *(after.eq(before) for chain in (words, planes) for before, after in pairwise(chain)),
        ]
        m.d.comb += [self.o.valid.eq(ends[-1]), self.o.word.eq(words[-1]), self.o.planes.eq(planes[-1])]
        base = Signal(range(2 * spec.scan_tokens))
        m.d.sync += base.eq(words[-3] * size)
        for k in range(size):
            token = Signal.like(base, name=f"token_{k}")
            m.d.comb += token.eq(base + k)
            m.d.sync += [
                self.o.there[k].eq(token < self.tokens),
                self.o.always[k].eq((token < self.row.sink_tokens) | (token >= self.row.window_start)),
            ]
