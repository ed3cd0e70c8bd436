"""Picks the selected tokens of swept words, one after another."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.kv.spec import Spec
from hw.kv.layouts import SCORE_BITS, SweptLayout
from hw.lib.leading_zeros import trailing_zeros
from hw.lib.stream import transfer


class PickedLayout(data.StructLayout):
    """A selected token."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "token": range(spec.scan_tokens),  #: its number
                "score": SCORE_BITS,  #: its joined score; of no meaning where no planes were read of it
            }
        )


class TokenPicker(wiring.Component):
    """Of the words of a sweep, the tokens kept always, and of the others those whose score exceeds the threshold and
    the first `ties` of those that equal it.

    So if `above` tokens exceed the threshold, exactly above + ties + kept always leave, in rising order, each once.
    A token a cycle; a word takes a cycle more.
    """

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        super().__init__(
            {
                "begin": In(1),  #: a new selection, before its first word
                "threshold": In(SCORE_BITS),  #: the score of the last that is selected; holds still
                "ties": In(range(spec.scan_tokens + 1)),  #: of the tokens with that score; sampled with `begin`
                "i": In(stream.Signature(SweptLayout(spec))),  #: words with tokens of no lower score
                "o": Out(stream.Signature(PickedLayout(spec))),  #: the selected tokens
                "busy": Out(1),  #: a word is being picked from
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec = self.spec
        size = spec.plane_tokens
        word = Signal(SweptLayout(spec))
        base = Signal(range(spec.plane_words * size))
        left = Signal(size)  # tokens that are not looked at yet
        ties = Signal.like(self.ties)
        place = Signal(range(size + 1))
        looked, chosen, always = Signal(), Signal(PickedLayout(spec)), Signal()  # at a token, which may leave
        free = ~self.o.valid | self.o.ready
        level = Signal()
        lone = (left & (left - 1)[:size]) == 0  # one is left, or none
        m.d.comb += [
            place.eq(trailing_zeros(left)),
            level.eq(~always & (chosen.score == self.threshold)),
            self.i.ready.eq(left == 0),
            self.busy.eq(left.any() | looked | self.o.valid),
        ]
        with m.If(free):
            m.d.sync += [
                self.o.payload.eq(chosen),
                self.o.valid.eq(looked & (~level | (ties != 0))),
                ties.eq(ties - (looked & level & (ties != 0))),
                looked.eq(left.any()),
                chosen.token.eq(base + place),
                chosen.score.eq(word.as_value()[word.shape()["scores"].offset :].word_select(place, SCORE_BITS)),
                always.eq(word.always.bit_select(place, 1)),
                left.eq(Mux(lone, 0, left & (left - 1)[:size])),
            ]
        with m.If(transfer(self.i)):
            new = self.i.payload
            m.d.sync += [word.eq(new), left.eq(new.best | new.always), base.eq(new.word * size)]
        with m.If(self.begin):
            m.d.sync += ties.eq(self.ties)
        return m
