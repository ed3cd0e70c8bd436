"""Which words are written but not yet known to be in memory."""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Elaboratable, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.bus.write_order import WriteOrderSignature


class SpanLayout(data.StructLayout):
    """Memory words side by side, by number."""

    def __init__(self, bits: int) -> None:
        super().__init__(
            {
                "first": bits,  #: the lowest
                "last": bits,  #: the highest
            }
        )


class WriteLedger(wiring.Component):
    """A ring of the `depth` bursts that wait for their response, oldest first, and the burst that is still open.

    A read that asks about words gets `clear` in the same cycle where no burst has any of them, else in
    the cycle after the last such burst was answered. Bursts that come after the question do not hold it up.

    Raises:
        ValueError: `depth` is no power of two of at least 2.
    """

    def __init__(self, *, bits: int, depth: int) -> None:
        if depth < 2 or depth & (depth - 1):
            raise ValueError(f"WriteLedger: depth must be a power of two of at least 2, it is {depth}")
        self.depth = depth
        super().__init__(
            {
                "opened": In(1),  #: a burst is being gathered
                "span": In(SpanLayout(bits)),  #: its words so far
                "closes": In(1),  #: it is whole and joins the ring; only with `room`
                "room": Out(1),  #: a place is free
                "answered": In(1),  #: the oldest is in memory; not while `empty`
                "oldest": Out(SpanLayout(bits)),  #: unless `empty`
                "empty": Out(1),  #: every burst of the ring was answered
                "order": In(WriteOrderSignature(bits)),  #: what a reader asks
                "flush": Out(1),  #: a reader waits for the burst that is open
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spans = [Signal.like(self.span, name=f"span_{k}") for k in range(self.depth)]
        held = Signal(self.depth)
        head, tail = Signal(range(self.depth)), Signal(range(self.depth))
        m.d.comb += [
            self.oldest.eq(Array(spans)[head]),
            self.empty.eq(~held.any()),
            self.room.eq(~held.all()),
        ]
        frees = (self.answered << head)[: self.depth]
        takes = (self.closes << tail)[: self.depth]
        m.d.sync += [
            held.eq((held & ~frees) | takes),
            head.eq(head + self.answered),
            tail.eq(tail + self.closes),
        ]
        for k, span in enumerate(spans):
            with m.If(takes[k]):
                m.d.sync += span.eq(self.span)
        self._answer(m, spans, held, frees, takes)
        return m

    def _answer(self, m: Module, spans: list, held: Signal, frees: object, takes: object) -> None:
        """The bursts that the reader waits for, one bit each and one for the open burst, fall away one by one."""
        order = self.order

        def meets(span: data.View) -> object:
            return (span.first <= order.last) & (span.last >= order.first)

        waits, open_waits = Signal(self.depth), Signal()
        waiting, open_waiting = Signal(self.depth), Signal()
        m.d.comb += [
            waiting.eq(Mux(order.fresh, held & Cat(meets(span) for span in spans), waits)),
            open_waiting.eq(Mux(order.fresh, self.opened & meets(self.span), open_waits)),
            order.clear.eq(~waiting.any() & ~open_waiting),
            self.flush.eq(open_waits),
        ]
        m.d.sync += [
            waits.eq((waiting & ~frees) | (takes & open_waiting.replicate(self.depth))),
            open_waits.eq(open_waiting & ~self.closes),
        ]
