"""The factors of an online-softmax merge, from two maxima."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.float_format import SINGLE
from hw.lib.float_add import FloatAdd
from hw.lib.float_exp import FloatExp
from hw.lib.float_parts import is_nan, less
from hw.lib.pipe import Pipe


class FactorsLayout(data.StructLayout):
    """What a record's merge begins with."""

    def __init__(self) -> None:
        super().__init__(
            {
                "top": 32,  #: the larger maximum
                "a": 32,  #: factor of the node's own record
                "b": 32,  #: factor of the received one
            }
        )


def order(x: Value, y: Value) -> Value:
    """Of two maxima the larger, whether one is NaN, whether x is the smaller one, and whether they are equal."""
    nan = is_nan(x, SINGLE) | is_nan(y, SINGLE)
    lower = less(x, y)
    return Cat(Mux(nan, SINGLE.nan, Mux(lower, y, x))[:32], nan, lower, x == y)


def same(o: Value) -> Value:
    """The maxima whose `order` it is have a difference of 0, infinite ones too."""
    return o[34] & ~o[32]


def pick(o: Value, f: Value) -> Value:
    """A `FactorsLayout` of two maxima's `order`, and of the exponential of their distance."""
    top, nan, lower = o[:32], o[32], o[33]
    return Cat(
        top,
        Mux(nan, SINGLE.nan, Mux(lower, f, SINGLE.one))[:32],
        Mux(nan, SINGLE.nan, Mux(lower, SINGLE.one, f))[:32],
    )


class MergeScale(wiring.Component):
    """top = max(m1, m2), a = exp(m1 - top), b = exp(m2 - top); equals `golden.cluster.combine.merge_factors`.

    The larger maximum's factor is exactly 1; equal maxima have a difference of 0 even if infinite; a
    NaN makes top and both factors NaN. Latency 18 cycles, throughput one a cycle.
    """

    latency = FloatAdd.latency + FloatExp.latency + 1

    def __init__(self) -> None:
        maxima = data.StructLayout(
            {
                "m1": 32,  #: of the node's own record
                "m2": 32,  #: of the received one
            }
        )
        super().__init__(
            {
                "i": In(maxima),  #: singles, every cycle
                "o": Out(FactorsLayout()),  #: singles, 18 cycles later
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        m.submodules.subtract = subtract = FloatAdd(fmt=SINGLE)
        m.submodules.exp = exp = FloatExp()
        m1, m2 = p.source(self.i.m1, "m1"), p.source(self.i.m2, "m2")
        m.d.comb += Value.cast(subtract.i).eq(Cat(self.i.m1, self.i.m2[:-1], ~self.i.m2[-1]))
        ordered = p.stage(order, m1, m2, name="ordered")
        difference = p.source(subtract.o, "difference", FloatAdd.latency)
        m.d.comb += exp.i.eq(Mux(same(p.at(ordered, FloatAdd.latency)), 0, Cat(difference.value[:-1], Const(0, 1))))
        factor = p.source(exp.o, "factor", FloatAdd.latency + FloatExp.latency)
        result = p.stage(pick, ordered, factor, name="result")
        if result.stage != self.latency:
            raise ValueError(f"MergeScale takes {result.stage} cycles, its stated latency is {self.latency}")
        m.d.comb += Value.cast(self.o).eq(result.value)
        return m
