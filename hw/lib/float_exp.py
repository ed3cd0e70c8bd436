"""Pipelined exponential of a negative single-precision number."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Value, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.float_format import SINGLE
from golden.float_tables import LOG2E, LOG2E_FRACTION, OUT_FRACTION, TABLE_BITS, exp2_falling
from hw.lib.fixed import resize
from hw.lib.float_parts import is_nan, parts_of
from hw.lib.pipe import Pipe, Staged

DROP = SINGLE.mantissa + LOG2E_FRACTION - TABLE_BITS  # bits below the base-2 exponent's fraction, at 2**0
WHOLE = 8  # integer bits of the base-2 exponent
TOP = 6  # d of 2**(TOP + 1) and more has an exponential of 0


class FloatExp(wiring.Component):
    """o = exp(-i) for a single i >= 0, by a table; equals `golden.floats.exp_negative`.

    Exact at 0; error below 4.5e-5 of the result for i < 80; results below 2**-125 are 0. Latency 11 cycles,
    throughput one a cycle.
    """

    latency = 11

    def __init__(self) -> None:
        super().__init__(
            {
                "i": In(SINGLE.width),  #: a single's code; its sign bit is not looked at
                "o": Out(SINGLE.width),  #: code of the result
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        code = p.stage(lambda v: v, p.source(self.i, "i"), name="code")
        significand = Staged(parts_of(code.value, SINGLE).significand, code.stage, "significand")
        constant = p.constant(Const(LOG2E, LOG2E_FRACTION + 1), "log2e")
        product = p.wide_product(constant, significand, name="product")

        def exponent(v: Value) -> Value:
            return v[SINGLE.mantissa : SINGLE.width - 1]

        def distance(v: Value) -> Value:
            """How far the product is shifted right from where exponent TOP puts it, at most 63."""
            gap = (SINGLE.bias + TOP - exponent(v)).as_unsigned()
            return Mux(gap[6:9].any(), 63, gap[:6])

        amount = p.stage(distance, code, name="amount")
        far = p.stage(lambda v: exponent(v) > SINGLE.bias + TOP, code, name="far")
        nan = p.stage(lambda v: is_nan(v, SINGLE), code, name="nan")
        cut = p.stage(lambda v: v[DROP - TOP :], product, name="cut")
        power = p.shift_right(cut, amount, name="power")
        whole = Staged(power.value[TABLE_BITS : TABLE_BITS + WHOLE], power.stage, "whole")
        part = Staged(power.value[:TABLE_BITS], power.stage, "part")
        value = p.linear_table(exp2_falling(), part, name="value")
        start = p.stage(lambda v: ~v.any(), part, name="start")

        def finish(n: Value, v: Value, s: Value, zero: Value, bad: Value) -> Value:
            low, one = 1 << (OUT_FRACTION - 1), 1 << OUT_FRACTION
            limited = Mux(s | (v > one), one, Mux(v < low, low, v))
            fraction = resize(limited - low, unsigned(OUT_FRACTION))
            above = Cat(Const(0, SINGLE.mantissa - OUT_FRACTION + 1), fraction)
            scaled = (Cat(Const(0, SINGLE.mantissa), (SINGLE.bias - 1 - n)[: SINGLE.exponent]) + above)[: SINGLE.width]
            return Mux(bad, SINGLE.nan, Mux(zero | (n > SINGLE.bias - 2), 0, scaled))

        result = p.stage(finish, whole, value, start, far, nan, name="result")
        if result.stage != self.latency:
            raise ValueError(f"FloatExp takes {result.stage} cycles, its stated latency is {self.latency}")
        m.d.comb += self.o.eq(result.value)
        return m
