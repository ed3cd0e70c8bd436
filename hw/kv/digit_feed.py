"""What a scan counts: the buckets of scores that arrive, or a digit of those that are swept."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.kv.spec import KEY_BITS, Spec
from hw.kv.layouts import DIGIT_BITS, SCORE_BITS, ScoredLayout, SweptLayout


class DigitFeed(wiring.Component):
    """Of a scored word the highest digits of the tokens that may be chosen, in a pass behind the first only
    if they are of all planes; of a swept word a digit of the tokens found. Both come a cycle later, and never together.
    """

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        tokens = spec.plane_tokens
        super().__init__(
            {
                "scored": In(ScoredLayout(spec)),  #: words of which planes were read
                "fresh": In(1),  #: the pass is the first
                "weighed": In(1),  #: in the first pass tokens kept always are counted too
                "swept_valid": In(1),  #: a swept word is counted
                "swept": In(SweptLayout(spec)),  #: it
                "digit": In(2),  #: that is counted of its scores, 0 the lowest
                "add": Out(tokens),  #: a bit a token that counts
                "digits": Out(data.StructLayout({"lane": data.ArrayLayout(DIGIT_BITS, tokens)})),  #: theirs
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        scored, swept = self.scored, self.swept
        arriving = scored.valid & (self.fresh | (scored.planes == KEY_BITS))
        wanted = scored.there & (~scored.always | (self.weighed & self.fresh).replicate(self.spec.plane_tokens))
        m.d.sync += self.add.eq(Mux(arriving, wanted, Mux(self.swept_valid, swept.best, 0)))
        for k in range(self.spec.plane_tokens):
            m.d.sync += self.digits.lane[k].eq(
                Mux(
                    scored.valid,
                    scored.scores[k][SCORE_BITS - DIGIT_BITS :],
                    swept.scores[k].word_select(self.digit, DIGIT_BITS),
                )
            )
        return m
