"""Means of a cluster's keys from their sums and their count."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.kv.spec import KEY_BITS, KEY_MAX, MEAN_GUARD, RECIPROCAL, RECIPROCAL_FRACTION, Spec
from hw.kv.layouts import sums_layout
from hw.lib.fixed import clip, resize, shift_round
from hw.lib.pipe import Pipe, Staged

SCALED_BITS = KEY_BITS + 1 + MEAN_GUARD  # |sum| < 2**7 · 2**(e+1), so (sum · 2**8) >> e has 17 bits

SPLIT = 9  #: bits of the reciprocal in the lower product
DROPPED = MEAN_GUARD + RECIPROCAL_FRACTION  #: fraction bits of a product


class MeanUnit(wiring.Component):
    """o = half_up(sum / count) as INT8 in every lane; equals `golden.kv.key_table.mean_unit`.

    Latency 10 cycles, throughput one chunk a cycle. Two multipliers a lane, each with a half of the reciprocal, since
    the whole product would be the engine's longest path; one more for the reciprocal.
    """

    latency = 10

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        super().__init__(
            {
                #: a chunk of a cluster's sums, and its number of tokens, at least 1
                "i": In(data.StructLayout({"sums": sums_layout(spec), "count": spec.count_bits})),
                #: the chunk's means, `latency` cycles later
                "o": Out(data.StructLayout({"means": data.ArrayLayout(signed(KEY_BITS), spec.lanes)})),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        spec = self.spec
        width = spec.count_bits
        count = p.source(self.i["count"], "count")
        top, zeros = p.normalise(count, width, width, name="mantissa")
        exponent = p.stage(lambda z: (width - 1 - z)[: (width - 1).bit_length()], zeros, name="exponent")
        pad = RECIPROCAL.in_bits - (width - 1)
        fraction = Staged(top.value[: width - 1].shift_left(pad), top.stage, "fraction")
        reciprocal = p.linear_table(RECIPROCAL, fraction, name="reciprocal")
        means: list[Staged] = []
        for k in range(spec.lanes):
            raised = p.source(self.i.sums.lane[k].shift_left(MEAN_GUARD), f"raised_{k}")
            shifted = p.shift_right(raised, exponent, name=f"shifted_{k}")
            scaled = Staged(resize(shifted.value, signed(SCALED_BITS)), shifted.stage, f"scaled_{k}")
            # Half of what the rounding drops is added before the product's halves meet.
            low = p.stage(lambda s, r: s * r[:SPLIT] + (1 << (DROPPED - 1)), scaled, reciprocal, name=f"low_{k}")
            high = p.stage(lambda s, r: s * r[SPLIT:], scaled, reciprocal, name=f"high_{k}")
            means.append(p.stage(self._round, low, high, name=f"rounded_{k}"))
        p.finish(
            self.o,
            self.latency,
            means=p.join([p.stage(self._limit, mean, name=f"mean_{k}") for k, mean in enumerate(means)], "means"),
        )
        return m

    @staticmethod
    def _round(low: Value, high: Value) -> Value:
        return shift_round(low + high.shift_left(SPLIT), DROPPED, "truncate")

    @staticmethod
    def _limit(mean: Value) -> Value:
        return resize(clip(mean, -KEY_MAX, KEY_MAX), signed(KEY_BITS))
