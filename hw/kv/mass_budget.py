"""Top-p: how many tokens hold a share of the softmax mass, from the counts of score buckets."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.kv.spec import DECAY_FRACTION, THRESHOLD_FRACTION


class MassBudget(wiring.Component):
    """Equals `golden.kv.scan.tokens_of_mass`: sees the buckets' counts twice, from the highest downwards.

    The first walk adds up all weight; then, `multiplying`, the threshold is found; the second walk opens buckets until
    they hold more. Counts come at least 4 cycles apart, and the next walk begins 4 cycles after the last.
    """

    def __init__(self, *, count_bits: int) -> None:
        self.count_bits = count_bits
        super().__init__(
            {
                "total": In(1),  #: a walk begins that adds up all weight
                "find": In(1),  #: a walk begins that opens buckets; not while `multiplying`
                "multiply": In(1),  #: find the threshold, 4 cycles after the last count or later
                "counted": In(data.StructLayout({"valid": 1, "count": count_bits})),  #: tokens of the next bucket
                "mass_code": In(THRESHOLD_FRACTION + 1),  #: the share, in 1/1024; holds still
                "decay": In(DECAY_FRACTION),  #: weight of a bucket over that of the one above, in 1/65536; holds still
                "multiplying": Out(1),  #: the threshold is being found
                "budget": Out(count_bits),  #: tokens in the opened buckets, 4 cycles after the last count
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        wide = self.count_bits + DECAY_FRACTION + 1
        weight = Signal(DECAY_FRACTION + 1)
        count = Signal(self.count_bits)
        product, smaller = Signal(wide), Signal(2 * DECAY_FRACTION + 1)
        since = Signal(3)
        filled, finding, over = Signal(), Signal(), Signal()
        reached, members = Signal(wide), Signal(self.count_bits)
        part = Signal(wide + THRESHOLD_FRACTION)
        threshold = Signal(wide + THRESHOLD_FRACTION + 1)
        code = Signal(THRESHOLD_FRACTION + 1)
        m.d.sync += [
            since.eq(self.counted.valid | since << 1),
            product.eq(count * weight),
            smaller.eq(weight * self.decay),
        ]
        with m.If(self.counted.valid):
            m.d.sync += [count.eq(self.counted.count), filled.eq(filled | (self.counted.count != 0))]
        with m.If(since[1]):
            m.d.sync += reached.eq(reached + product)
            with m.If(filled):
                m.d.sync += weight.eq(smaller >> DECAY_FRACTION)
            with m.If(finding & ~over):
                m.d.sync += self.budget.eq(members + count)
            m.d.sync += members.eq(members + count)
        with m.If(since[2]):
            m.d.sync += over.eq(over | (Cat(Const(0, THRESHOLD_FRACTION), reached) > threshold))

        m.d.comb += self.multiplying.eq(code != 0)
        with m.If(self.multiply):
            m.d.sync += [part.eq(reached), threshold.eq(0), code.eq(self.mass_code)]
        with m.Elif(self.multiplying):
            m.d.sync += [threshold.eq(threshold + Mux(code[0], part, 0)), part.eq(part << 1), code.eq(code >> 1)]
        with m.If(self.total | self.find):
            m.d.sync += [
                weight.eq(1 << DECAY_FRACTION), filled.eq(0), reached.eq(0), members.eq(0), over.eq(0),
                finding.eq(self.find),
            ]  # fmt: skip
        return m
