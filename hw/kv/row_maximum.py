"""The largest score of every row among the tokens of a few words."""

from __future__ import annotations

from amaranth.hdl import Array, Elaboratable, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.kv.spec import Spec
from hw.kv.scan_lane import row_scores


class RowMaximum(wiring.Component):
    """Looks at a token a cycle, of the lanes' scores, which hold still meanwhile."""

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        tokens = spec.plane_tokens
        super().__init__(
            {
                "begin": In(1),  #: forget what was seen
                "go": In(1),  #: look at a word's tokens
                "tokens": In(range(tokens + 1)),  #: how many of them there are, 1 or more; holds still
                "scores": In(data.StructLayout({"lane": data.ArrayLayout(row_scores(spec), tokens)})),  #: theirs
                "busy": Out(1),  #: looking
                "largest": Out(row_scores(spec)),  #: of all that was seen
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec = self.spec
        place = Signal(range(spec.plane_tokens + 1))
        seen, shown = Signal(), Signal()
        token = Signal(row_scores(spec))
        looking = Signal()
        lanes = Array([self.scores.lane[k].as_value() for k in range(spec.plane_tokens)])
        m.d.comb += self.busy.eq(looking | shown)
        m.d.sync += [token.eq(lanes[place]), shown.eq(looking)]
        with m.If(self.go):
            m.d.sync += [looking.eq(1), place.eq(0)]
        with m.Elif(looking):
            m.d.sync += [place.eq(place + 1), looking.eq(place != self.tokens - 1)]
        with m.If(shown):
            m.d.sync += seen.eq(1)
            for r in range(spec.group):
                largest, score = self.largest.row[r], token.row[r]
                m.d.sync += largest.eq(Mux(~seen | (score > largest), score, largest))
        with m.If(self.begin):
            m.d.sync += seen.eq(0)
        return m
