"""Top-p: how many tokens a share of the softmax mass needs."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.kv.spec import DECAY_FRACTION, THRESHOLD_FRACTION
from hw.kv.mass_budget import MassBudget

SETTLED = 3  # cycles from a walk's end to the last count's mass


class MassSearch(wiring.Component):
    """Has the buckets' counts walked twice, slowly, and equals `golden.kv.scan_scores.tokens_of_mass`.

    The first walk adds up all mass, the second opens buckets until they hold more than the share, and wipes the counts.
    """

    def __init__(self, *, count_bits: int) -> None:
        self.count_bits = count_bits
        super().__init__(
            {
                "go": In(1),  #: begin; not while busy
                "mass_code": In(THRESHOLD_FRACTION + 1),  #: the share, in 1/1024; holds still
                "decay": In(DECAY_FRACTION),  #: weight of a bucket over that of the one above, in 1/65536; holds still
                "walking": In(1),  #: the finder walks
                "counted": In(data.StructLayout({"valid": 1, "count": count_bits})),  #: tokens of the next bucket
                "walk": Out(1),  #: begin a slow walk
                "wipe": Out(1),  #: with `walk`: it wipes the counts
                "busy": Out(1),  #: searching
                "budget": Out(count_bits),  #: tokens in the opened buckets, while not busy
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.mass = mass = MassBudget(count_bits=self.count_bits)
        settled = Signal(range(SETTLED + 1))
        m.d.sync += settled.eq(Mux(self.walking | self.walk, 0, settled + (settled != SETTLED)))
        m.d.comb += [
            mass.counted.eq(self.counted),
            mass.mass_code.eq(self.mass_code),
            mass.decay.eq(self.decay),
            self.budget.eq(mass.budget),
            self.busy.eq(1),
        ]
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += self.busy.eq(0)
                with m.If(self.go):
                    m.d.comb += [self.walk.eq(1), mass.total.eq(1)]
                    m.next = "TOTAL"
            with m.State("TOTAL"):
                with m.If(settled == SETTLED):
                    m.d.comb += mass.multiply.eq(1)
                    m.next = "SHARE"
            with m.State("SHARE"):
                m.next = "MULTIPLY"
            with m.State("MULTIPLY"):
                with m.If(~mass.multiplying):
                    m.d.comb += [self.walk.eq(1), self.wipe.eq(1), mass.find.eq(1)]
                    m.next = "FIND"
            with m.State("FIND"):
                with m.If(settled == SETTLED):
                    m.next = "IDLE"
        return m
