"""One query row of the weighted-sum thresholding unit."""

from __future__ import annotations

from itertools import pairwise

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.kv.spec import THRESHOLD_FRACTION, Spec
from hw.kv.bucket_memory import BucketLayout, BucketMemory
from hw.lib.fixed import clip

SPLIT = 17  # low bits of the wide product's operand: one multiplier takes this many, unsigned
STEPS = 3  # cycles of the product


class WtuLane(wiring.Component):
    """Equals `golden.kv.wtu` for one row.

    Pass: takes a score and its count every cycle; keeps the smallest score, both sums, and the
    sums of every bucket. Walk: opens buckets downwards from the highest filled one, one a
    cycle, and stops at the first where Σ (s - min)·n exceeds the threshold; scores are not visited
    again. One multiplier serves s·n in the pass and min·n in the walk. A walk takes 25 cycles and
    one for each opened bucket.
    """

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        bucket = range(spec.buckets)
        super().__init__(
            {
                "begin": In(1),  #: forget the row before
                "valid": In(1),  #: pass: a score is shown
                "score": In(signed(spec.score_bits)),  #: of a cluster
                "count": In(spec.count_bits),  #: the cluster's tokens
                "shift": In(5),  #: the row's: bucket = score >> shift, around the middle; holds still
                "bucket": Out(bucket),  #: of the score that came 3 cycles before
                "walk": In(1),  #: begin the walk, at least 6 cycles after the last score
                "active": In(1),  #: the row holds a query; without one the walk ends at once
                "count_mode": In(1),  #: a weight is the count alone; holds still
                "code": In(THRESHOLD_FRACTION),  #: the threshold in 1/1024 of all weight; sampled with `walk`
                "busy": Out(1),  #: walking
                "lowest": Out(bucket),  #: lowest bucket that is taken, after the walk
                "opened": Out(range(spec.buckets + 1)),  #: buckets opened, after the walk
                "visited": Out(range(spec.clusters + 1)),  #: scores in them, after the walk
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec = self.spec
        m.submodules.memory = memory = BucketMemory(spec=spec)
        weight = signed(spec.weight_bits)
        low = Signal(signed(spec.score_bits))  # smallest score
        top = Signal(range(spec.buckets))  # highest bucket filled
        weight_sum, count_sum = Signal(weight), Signal(spec.count_bits)

        # The product: in the pass of the score that comes, in the walk of the smallest with a count.
        walking, summing = Signal(), Signal()
        x, n = Signal(signed(spec.score_bits)), Signal(spec.count_bits)
        product_low, product_high, product = Signal(weight), Signal(weight), Signal(weight)
        passing = Signal(STEPS)
        walked_count = Mux(summing, count_sum, memory.o["count"])
        m.d.sync += [
            x.eq(Mux(walking, Mux(self.count_mode, -1, low), self.score)),
            n.eq(Mux(walking, walked_count, self.count)),
            product_low.eq(n * x[:SPLIT]),
            product_high.eq((n * x.shift_right(SPLIT)).shift_left(SPLIT)),
            product.eq(product_low + product_high),
            passing.eq(self.valid | passing << 1),
        ]
        self._pass(m, memory, x, n, product, passing, low, top, weight_sum, count_sum)
        self._walk(m, memory, walking, summing, product, top, weight_sum)
        return m

    def _pass(
        self, m: Module, memory: BucketMemory, x: Signal, n: Signal, product: Signal, passing: Signal, low: Signal,
        top: Signal, weight_sum: Signal, count_sum: Signal,
    ) -> None:  # fmt: skip
        """Buckets, smallest score, sums; a score is added to its bucket 3 cycles after it came."""
        half = self.spec.buckets // 2
        add = memory.add
        shifted = Signal(signed(self.spec.score_bits))
        counts = [Signal.like(n, name=f"n_{k}") for k in range(2)]
        first = Signal()
        m.d.sync += [
            shifted.eq(x >> self.shift),
            self.bucket.eq(clip(shifted, -half, half - 1) + half),
            counts[0].eq(n),
            counts[1].eq(counts[0]),
        ]
        m.d.comb += [
            memory.clear.eq(self.begin),
            add.valid.eq(passing[-1]),
            add.bucket.eq(self.bucket),
            add.weight.eq(Mux(self.count_mode, 0, product)),
            add["count"].eq(counts[1]),
        ]
        with m.If(passing[0]):
            m.d.sync += first.eq(0)
            with m.If(first | (x < low)):
                m.d.sync += low.eq(x)
        with m.If(add.valid):
            m.d.sync += [weight_sum.eq(weight_sum + add.weight), count_sum.eq(count_sum + add["count"])]
            with m.If(self.bucket > top):
                m.d.sync += top.eq(self.bucket)
        with m.If(self.begin):
            m.d.sync += [first.eq(1), top.eq(0), weight_sum.eq(0), count_sum.eq(0)]

    def _walk(
        self, m: Module, memory: BucketMemory, walking: Signal, summing: Signal, product: Signal, top: Signal,
        weight_sum: Signal,
    ) -> None:  # fmt: skip
        """Total, threshold, then bucket after bucket."""
        spec = self.spec
        bits = spec.weight_bits
        part = Signal(bits + THRESHOLD_FRACTION)  # total · 2**step
        threshold = Signal(bits + THRESHOLD_FRACTION)
        code = Signal(THRESHOLD_FRACTION)
        step = Signal(range(THRESHOLD_FRACTION))
        place = Signal(range(spec.buckets))
        opening = Signal()
        # A bucket opened in cycle 0 is at the memory's output in 2, its min · n is there in 2 + STEPS.
        since = Signal(STEPS + 4)
        entries = [Signal(BucketLayout(spec), name=f"entry_{k}") for k in range(STEPS)]
        excess = Signal(bits)  # Σ (s - min)·n of a bucket
        excess_members = Signal.like(self.visited)
        reached = Signal(bits)
        m.d.comb += [memory.read.eq(place), self.busy.eq(walking)]
        m.d.sync += [
            since.eq(opening | since << 1),
            entries[0].eq(memory.o),
            *(after.eq(before) for before, after in pairwise(entries)),
            excess.eq(entries[-1].weight - product),
            excess_members.eq(entries[-1].members),
        ]
        stop = Signal()
        with m.If(since[-2] & ~stop):
            m.d.sync += [
                reached.eq(reached + excess),
                self.visited.eq(self.visited + excess_members),
                self.opened.eq(self.opened + 1),
            ]
        with m.FSM():
            with m.State("IDLE"):
                with m.If(self.walk):
                    m.d.sync += [
                        reached.eq(0), threshold.eq(0), step.eq(0), since.eq(0), code.eq(self.code),
                        self.visited.eq(0), self.opened.eq(0), self.lowest.eq(0),
                    ]  # fmt: skip
                    with m.If(self.active):
                        m.d.sync += walking.eq(1)
                        m.next = "TOTAL"
            with m.State("TOTAL"):
                m.d.comb += summing.eq(1)
                m.d.sync += [step.eq(step + 1), part.eq((weight_sum - product)[:bits]), place.eq(top)]
                with m.If(step == STEPS):
                    m.d.sync += step.eq(0)
                    m.next = "THRESHOLD"
            with m.State("THRESHOLD"):
                m.d.sync += [
                    step.eq(step + 1),
                    threshold.eq(threshold + Mux(code[0], part, 0)),
                    part.eq(part << 1),
                    code.eq(code >> 1),
                ]
                with m.If(step == THRESHOLD_FRACTION - 1):
                    m.next = "OPEN"
            with m.State("OPEN"):
                m.d.comb += opening.eq(1)
                m.d.sync += place.eq(place - 1)
                with m.If(~walking):
                    m.next = "IDLE"
                with m.Elif(place == 0):
                    m.next = "ALL"
            with m.State("ALL"):
                with m.If(~walking):
                    m.next = "IDLE"
        over = Cat(Const(0, THRESHOLD_FRACTION), reached) > threshold
        m.d.comb += stop.eq(~walking | (since[-1] & (over | (self.opened == top + 1))))
        with m.If(walking & stop):
            m.d.sync += [walking.eq(0), self.lowest.eq(top + 1 - self.opened)]
