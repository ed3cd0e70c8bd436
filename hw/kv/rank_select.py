"""The k-th best of many scores, digit by digit."""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Elaboratable, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.kv.memory_map import SINK_SCORE_BITS
from golden.kv.spec import Spec
from hw.lib.tree import add_all

DIGIT_BITS = 4
DIGITS = SINK_SCORE_BITS // DIGIT_BITS


class RankSelect(wiring.Component):
    """The best `rank` scores are those above `threshold`, and the first `ties` of those equal to it.

    All scores are shown `DIGITS` times, a sweep for each digit of the threshold, the highest first.
    A sweep counts, among the scores that share the digits found so far, how many have at least each
    value of the next; the largest value that `rank` scores reach is the digit. With fewer
    than `rank` scores the threshold is 0 and `ties` exceeds their number; rank 0 takes none.

    One score a cycle. A score is counted 2 cycles after it came; the digit is there 3 cycles after `turn`.
    """

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        count = range(spec.tokens + 1)
        super().__init__(
            {
                "begin": In(1),  #: forget everything, and find the score of this `rank`
                "rank": In(count),  #: how many scores to take
                "valid": In(1),  #: a score is shown
                "score": In(SINK_SCORE_BITS),  #: not negative
                "turn": In(1),  #: the sweep is over, and all its scores are counted
                "threshold": Out(SINK_SCORE_BITS),  #: the rank's score, after the last digit
                "ties": Out(count),  #: how many of the scores equal to it are taken, after the last digit
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        values = 1 << DIGIT_BITS
        counts = [Signal.like(self.ties, name=f"count_{v}") for v in range(1, values)]  # of digits >= v
        place = Signal(range(DIGITS), init=DIGITS - 1)  # of the digit in work, 0 the lowest
        open_bits = Signal(SINK_SCORE_BITS)  # of the digits that are not found yet
        digit = Signal(DIGIT_BITS)
        same = Signal()
        m.d.comb += open_bits.eq((1 << ((place + 1) * DIGIT_BITS)) - 1)
        m.d.sync += [
            same.eq(self.valid & (((self.score ^ self.threshold) & ~open_bits) == 0)),
            digit.eq(self.score.word_select(place, DIGIT_BITS)),
        ]
        for value, count in enumerate(counts, 1):
            m.d.sync += count.eq(count + (same & (digit >= value)))

        # Counts fall as the digit rises, so the number of counts that reach the rank is the digit.
        reaches = Signal(values - 1)
        found = Signal(DIGIT_BITS)
        turns = Signal(2)
        above = Array([*counts, 0])[found]  # with a larger digit than the one found
        m.d.sync += [
            turns.eq(Cat(self.turn, turns[0])),
            reaches.eq(Cat(count >= self.ties for count in counts)),
            found.eq(add_all(list(reaches))),
        ]
        with m.If(turns[1]):
            m.d.sync += [
                self.ties.eq(self.ties - above),
                self.threshold.word_select(place, DIGIT_BITS).eq(found),
                place.eq(Mux(place == 0, DIGITS - 1, place - 1)),
                *(count.eq(0) for count in counts),
            ]
        with m.If(self.begin):
            m.d.sync += [
                self.ties.eq(self.rank),
                self.threshold.eq(0),
                place.eq(DIGITS - 1),
                *(count.eq(0) for count in counts),
            ]
        return m
