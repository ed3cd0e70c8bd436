"""A token's share of the attention."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.cluster.spec import PROBABILITY_BITS
from golden.float_format import SINGLE
from hw.lib.float_add import FloatAdd
from hw.lib.float_exp import FloatExp
from hw.lib.float_parts import is_nan
from hw.lib.float_to_code import FloatToCode


def add_share(m: Module, exponential: Value) -> Value:
    """A token's share, of the exponential of its distance from the maximum, `FloatToCode.latency` cycles later."""
    m.submodules.code = code = FloatToCode(bits=PROBABILITY_BITS + 1)
    m.d.comb += [
        code.i.x.eq(exponential),
        code.i.shift.eq(PROBABILITY_BITS),
        code.i.limit.eq((1 << PROBABILITY_BITS) - 1),
    ]
    return code.o.code[:PROBABILITY_BITS]


class Probability(wiring.Component):
    """o = round(2**17 · exp(score - maximum)), at most 2**17 - 1; NaN gives 0.

    Equals `golden.cluster.compute.probabilities`. Throughput one a cycle.
    """

    latency = FloatAdd.latency + FloatExp.latency + FloatToCode.latency

    def __init__(self) -> None:
        layout = data.StructLayout(
            {
                "score": 32,  #: a single, at most the maximum
                "maximum": 32,  #: of all scores, a single
            }
        )
        super().__init__(
            {
                "i": In(layout),  #: a token's score, every cycle
                "o": Out(PROBABILITY_BITS),  #: its share, `latency` cycles later
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.subtract = subtract = FloatAdd(fmt=SINGLE)
        m.submodules.exp = exp = FloatExp()
        distance = Mux(is_nan(subtract.o, SINGLE), SINGLE.nan, Cat(subtract.o[:-1], Const(0, 1)))
        m.d.comb += [
            Value.cast(subtract.i).eq(Cat(self.i.maximum, self.i.score[:-1], ~self.i.score[-1])),
            exp.i.eq(distance),
            self.o.eq(add_share(m, exp.o)),
        ]
        return m
