"""Asks for the words of a scan's first pass."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.kv.spec import Spec
from hw.kv.layouts import WordRequestLayout
from hw.lib.stream import transfer


class FirstWords(wiring.Component):
    """The words of tokens at both ends, for the references, and behind them every word in order: one a cycle.

    Where there is one word alone, it is asked for as an end once.
    """

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        super().__init__(
            {
                "go": In(1),  #: begin; not while busy
                "last_word": In(range(spec.plane_words)),  #: number of the last; holds still while busy
                "o": Out(stream.Signature(WordRequestLayout(spec))),  #: requests
                "busy": Out(1),  #: not all have been asked for
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        request = self.o.payload
        at_last = request.word == self.last_word
        m.d.comb += self.busy.eq(self.o.valid)
        with m.If(transfer(self.o)):
            m.d.sync += [
                request.word.eq(Mux(at_last, 0, Mux(request.end, self.last_word, request.word + 1))),
                request.end.eq(request.end & ~at_last),
                self.o.valid.eq(request.end | ~at_last),
            ]
        with m.If(self.go):
            m.d.sync += [request.word.eq(0), request.end.eq(1), self.o.valid.eq(1)]
        return m
