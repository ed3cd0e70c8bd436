"""The scores from which on a word of few planes must be read on."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.kv.spec import FIRST_PLANES, KEY_BITS
from hw.kv.layouts import SCORE_BITS

STEPS = KEY_BITS - FIRST_PLANES  # numbers of planes that a word may be known to, but not to the last


def reach_layout() -> data.StructLayout:
    """A limit for each number of planes from `FIRST_PLANES` on, below `KEY_BITS`."""
    return data.StructLayout({"of": data.ArrayLayout(SCORE_BITS, STEPS)})


class ReachLimits(wiring.Component):
    """The lowest joined score of n planes that may still reach `found`: found - slack(n), not below 0.

    slack(n) = ⌈Σ|q| · (2^(8 - n) - 1) / 2⌉ in the unit of the joined scores. The limits are worked out one after
    another, over and over: they are right `latency` cycles after the last change of what comes in.
    """

    latency = 2 * STEPS

    def __init__(self, *, magnitude_bits: int) -> None:
        self.magnitude_bits = magnitude_bits
        super().__init__(
            {
                "magnitude": In(magnitude_bits),  #: Σ|q| of the row where it is largest
                "shift": In(range(17)),  #: 2**shift scores make a bucket
                "found": In(SCORE_BITS),  #: the score to reach, joined and aligned
                "o": Out(reach_layout()),  #: the limits
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        step = Signal(range(STEPS))
        behind, placed = Signal.like(step), Signal.like(step)  # whose slack, and aligned slack, are in the registers
        slack = Signal(self.magnitude_bits + STEPS)
        aligned = Signal(len(slack) + 16)
        shown = (STEPS - step)[: STEPS.bit_length()]
        m.d.sync += [
            step.eq(Mux(step == STEPS - 1, 0, step + 1)),
            behind.eq(step),
            placed.eq(behind),
            slack.eq(((self.magnitude << shown) - self.magnitude + 1) >> 1),
            aligned.eq(slack << (16 - self.shift)[:5]),
        ]
        for k in range(STEPS):
            with m.If(placed == k):
                m.d.sync += self.o.of[k].eq(Mux(aligned < self.found, self.found - aligned, 0))
        return m
