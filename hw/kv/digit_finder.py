"""Finds a digit of the k-th best score: counts the digits of many scores, and walks the counts from the highest."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.kv.digit_counts import DigitCounts
from hw.lib.shared import repeat
from hw.lib.tree import add_all

SLOW = 4  # cycles a step of a slow walk
ADDED = 4  # lanes whose counts are added in one cycle


class DigitFinder(wiring.Component):
    """Takes a digit of each of `lanes` scores a cycle; a walk finds the digit of the score that is `needed`-th best.

    After a walk `digit` is the highest with which, and with those above it, `needed` scores came, 0 if fewer came;
    `above` is how many came with a higher one. A walk takes a step a digit and 5 cycles; it may wipe
    the counts. It must begin 4 cycles after the last score or later, and all must be wiped before the first.
    """

    def __init__(self, *, lanes: int, count_bits: int, digit_bits: int = 8) -> None:
        self.lanes, self.count_bits, self.digit_bits = lanes, count_bits, digit_bits
        digits = data.ArrayLayout(digit_bits, lanes)
        super().__init__(
            {
                "add": In(lanes),  #: the lanes that show a score
                "digits": In(data.StructLayout({"lane": digits})),  #: their digits
                "walk": In(1),  #: begin a walk
                "wipe": In(1),  #: sampled with `walk`: it leaves all counts 0
                "slow": In(1),  #: sampled with `walk`: a step takes 4 cycles
                "needed": In(count_bits),  #: scores to take; holds still while busy
                "busy": Out(1),  #: walking
                #: while walking: how often each digit came, from the highest downwards
                "counted": Out(data.StructLayout({"valid": 1, "count": count_bits})),
                "digit": Out(digit_bits),  #: after a walk
                "above": Out(count_bits),  #: after a walk
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        size, width = self.digit_bits, self.count_bits
        banks = repeat(m, platform, "digit_counts", self.lanes, lambda: DigitCounts(digit_bits=size, count_bits=width))
        place, arriving, adding, counted = (
            Signal(size, name=name) for name in ("place", "arriving", "adding", "counted")
        )  # fmt: skip
        reading, wiping, slow = Signal(), Signal(), Signal()
        wait = Signal(range(SLOW))
        since = Signal(3)
        # Of a few lanes each: what a memory gives out late in its cycle is added up in two.
        parts = [Signal(width, name=f"part_{k}") for k in range(0, self.lanes, ADDED)]
        for k, bank in enumerate(banks):
            m.d.comb += [
                bank.valid.eq(self.add[k]),
                bank.digit.eq(self.digits.lane[k]),
                bank.reading.eq(reading),
                bank.place.eq(place),
                bank.wipe.eq(wiping),
            ]
        m.d.sync += [
            since.eq(reading | since << 1),
            arriving.eq(place),
            adding.eq(arriving),
            counted.eq(adding),
            *(part.eq(add_all([bank.o for bank in banks[k * ADDED :][:ADDED]])) for k, part in enumerate(parts)),
            self.counted.valid.eq(since[1]),
            self.counted.count.eq(add_all(parts)),
            wait.eq(Mux(reading | (wait == SLOW - 1), 0, wait + 1)),
        ]
        walking = Signal()
        m.d.comb += [
            self.busy.eq(walking | since.any() | self.counted.valid),
            reading.eq(walking & (~slow | (wait == SLOW - 1))),
        ]
        with m.If(self.walk):
            m.d.sync += [walking.eq(1), place.eq((1 << size) - 1), wiping.eq(self.wipe), slow.eq(self.slow)]
        with m.Elif(reading):
            m.d.sync += [place.eq(place - 1), walking.eq(place != 0)]

        found = Signal()
        reached, raised = Signal(width + 1), Signal(width + 1)
        m.d.comb += raised.eq(reached + self.counted.count)
        with m.If(self.counted.valid & ~found):
            with m.If((raised >= self.needed) | (counted == 0)):
                m.d.sync += [found.eq(1), self.digit.eq(counted), self.above.eq(reached)]
            m.d.sync += reached.eq(raised)
        with m.If(self.walk):
            m.d.sync += [found.eq(0), reached.eq(0)]
        return m
