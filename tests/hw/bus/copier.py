"""The smallest engine: it copies words, one by one, through a place that it reads back."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from hw.lib.counters import CounterLayout, count
from hw.lib.engine_ports import engine_ports
from hw.lib.stream import transfer

WIDTH, BYTES = 64, 8
COUNTERS = CounterLayout({"cycles": "cycles of the job", "words": "words copied"})


class Copier(wiring.Component):
    """The header is a word: how many words follow it. Each is written, as its complement, behind them all; read again
    there as soon as it was taken; and what was read is written once more, behind those. It looks at `address` all the
    time.

    Members:
        hold: nothing is asked for while it is high.
    """

    def __init__(self) -> None:
        super().__init__({**engine_ports(WIDTH, COUNTERS), "hold": In(1)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        read, answer, write = self.read.request, self.read.response, self.write.request
        total, done, word = Signal(8), Signal(8), Signal(WIDTH)
        place, again = Signal(32), Signal()
        m.d.comb += [
            self.busy.eq(1),
            read.payload.length.eq(1),
            write.payload.data.eq(word),
            write.payload.last.eq(1),
            answer.ready.eq(1),
            place.eq(self.address + BYTES * (1 + done)),
        ]
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += self.busy.eq(0)
                with m.If(self.start):
                    m.d.sync += [total.eq(0), done.eq(0), again.eq(0)]
                    m.next = "HEADER"
            with m.State("HEADER"):
                m.d.comb += [read.valid.eq(1), read.payload.address.eq(self.address)]
                with m.If(transfer(read)):
                    m.next = "TOTAL"
            with m.State("TOTAL"):
                with m.If(answer.valid):
                    m.d.sync += total.eq(answer.payload.data)
                    m.next = "NEXT"
            with m.State("NEXT"):
                with m.If(done == total):
                    m.next = "IDLE"
                with m.Elif(~self.hold):
                    m.next = "ASK"
            with m.State("ASK"):
                m.d.comb += [read.valid.eq(1), read.payload.address.eq(place + BYTES * (total & again.replicate(8)))]
                with m.If(transfer(read)):
                    m.next = "WAIT"
            with m.State("WAIT"):
                with m.If(answer.valid):
                    m.d.sync += word.eq(~answer.payload.data)
                    m.next = "WRITE"
            with m.State("WRITE"):
                offset = (total << again)[:9]
                m.d.comb += [write.valid.eq(1), write.payload.address.eq(place + BYTES * offset)]
                with m.If(transfer(write)):
                    m.d.sync += again.eq(~again)
                    with m.If(again):
                        m.d.sync += done.eq(done + 1)
                        m.next = "NEXT"
                    with m.Else():
                        m.next = "ASK"
        events = {"cycles": self.busy, "words": transfer(write) & again}
        count(m, self.counters, events, clear=self.start & ~self.busy)
        return m


def image(words: list[int]) -> dict[int, int]:
    """Memory before the job: 64-bit words by address."""
    return {0: len(words), **{BYTES * (1 + k): word for k, word in enumerate(words)}}


def after(words: list[int]) -> dict[int, int]:
    """What the job writes."""
    count = len(words)
    inverse = {BYTES * (1 + count + k): word ^ (1 << WIDTH) - 1 for k, word in enumerate(words)}
    return {**inverse, **{BYTES * (1 + 2 * count + k): word for k, word in enumerate(words)}}
