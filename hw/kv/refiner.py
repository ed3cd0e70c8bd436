"""Asks for the next plane of words whose tokens may still be selected."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.kv.spec import FIRST_PLANES, KEY_BITS, Spec
from hw.kv.layouts import ScoredLayout, WordRequestLayout
from hw.kv.reach_limits import reach_layout
from hw.lib.queue import StreamQueue
from hw.lib.stream import connect


class Refiner(wiring.Component):
    """A word that was scored and is not known to the last plane comes back for its next plane, if a token that may be
    chosen reaches the limit of as many planes.

    Takes a word a cycle; `latency` cycles later it is in a queue that holds them all, so that nothing ever waits.
    """

    latency = 3

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        super().__init__(
            {
                "enable": In(1),  #: words are looked at
                "i": In(ScoredLayout(spec)),  #: scored words, each at most once in the queue
                "limits": In(reach_layout()),  #: the lowest scores that matter; hold still
                "o": Out(stream.Signature(WordRequestLayout(spec))),  #: words of which a plane more is wanted
                "busy": Out(1),  #: words wait in the queue
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec, size = self.spec, self.spec.plane_tokens
        m.submodules.queue = queue = StreamQueue(shape=WordRequestLayout(spec), depth=max(spec.plane_words, 2))
        scored, looked = Signal(ScoredLayout(spec)), Signal(ScoredLayout(spec))
        limit = Signal.like(self.limits.of[0])
        able = Signal(size)
        m.d.sync += [
            scored.eq(self.i),
            scored.valid.eq(self.i.valid & self.enable & (self.i.planes < KEY_BITS)),
            limit.eq(self.limits.of[(self.i.planes - FIRST_PLANES)[: KEY_BITS.bit_length() - 2]]),
            looked.eq(scored),
            able.eq(Cat(scored.scores[k] >= limit for k in range(size)) & scored.there & ~scored.always),
        ]
        m.d.comb += [
            queue.i.payload.word.eq(looked.word),
            queue.i.payload.first.eq(looked.planes),
            queue.i.payload.end.eq(0),
            queue.i.valid.eq(looked.valid & able.any()),
            self.busy.eq(queue.level != 0),
        ]
        connect(m, queue.o, self.o)
        return m
