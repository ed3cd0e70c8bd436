"""Pipelined floating-point addition."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.float_format import GUARD, FloatFormat
from hw.lib.fixed import resize
from hw.lib.float_parts import parts_of, rounded_code, shift_sticky
from hw.lib.leading_zeros import leading_zeros
from hw.lib.pipe import Pipe


class FloatAdd(wiring.Component):
    """o = a + b in an IEEE 754 format, rounded to nearest even; equals `golden.floats.add`.

    Subnormal numbers are kept; every NaN is the canonical one; a zero sum is +0 unless both are -0.
    Latency 6 cycles (order, align, add, count, shift, round), throughput one a cycle.
    """

    latency = 6

    def __init__(self, *, fmt: FloatFormat) -> None:
        self.fmt = fmt
        operands = data.StructLayout({"a": fmt.width, "b": fmt.width})
        super().__init__(
            {
                "i": In(operands),  #: codes of `fmt`
                "o": Out(fmt.width),  #: code of the sum
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        fmt = self.fmt
        width = fmt.mantissa + 1 + GUARD
        a, b = p.source(self.i.a, "a"), p.source(self.i.b, "b")

        def swapped(x: Value, y: Value) -> Value:
            return x[:-1] < y[:-1]

        large = p.stage(lambda x, y: Mux(swapped(x, y), y, x), a, b, name="large")
        small = p.stage(lambda x, y: Mux(swapped(x, y), x, y), a, b, name="small")

        def align(x: Value, y: Value) -> Value:
            one, other = parts_of(x, fmt), parts_of(y, fmt)
            distance = resize(one.exponent - other.exponent, unsigned(fmt.exponent))
            reach = width.bit_length()
            near = Mux(distance[reach:].any(), (1 << reach) - 1, distance[:reach])
            return shift_sticky(Cat(Const(0, GUARD), other.significand), near)

        def special(x: Value, y: Value) -> Value:
            one, other = parts_of(x, fmt), parts_of(y, fmt)
            nan = one.nan | other.nan | (one.infinite & other.infinite & (one.sign ^ other.sign))
            return Cat(one.infinite, nan, one.sign, one.sign ^ other.sign)

        aligned = p.stage(align, large, small, name="aligned")
        wide = p.stage(lambda x: Cat(Const(0, GUARD), parts_of(x, fmt).significand), large, name="wide")
        exponent = p.stage(lambda x: parts_of(x, fmt).exponent, large, name="exponent")
        flags = p.stage(special, large, small, name="flags")

        total = p.stage(
            lambda x, y, f: resize(Mux(f[3], x - y, x + y), unsigned(width + 1)), wide, aligned, flags, name="total"
        )
        zeros = p.stage(leading_zeros, total, name="zeros")

        def shifted(t: Value, z: Value, e: Value) -> Value:
            """The sum with its highest bit as hidden bit, or as far up as exponent 1 allows."""
            carry = t[-1]
            left = (z - 1)[: len(z)]
            limited = Mux(left > e - 1, (e - 1)[: len(z)], left)
            return Mux(carry, Cat(t[1] | t[0], t[2:]), resize(t << limited, unsigned(width)))

        def moved(t: Value, z: Value, e: Value) -> Value:
            left = (z - 1)[: len(z)]
            return resize(Mux(t[-1], e + 1, Mux(left > e - 1, 1, e - left)), unsigned(fmt.exponent + 1))

        significand = p.stage(shifted, total, zeros, exponent, name="significand")
        result_exponent = p.stage(moved, total, zeros, exponent, name="result_exponent")

        def finish(s: Value, e: Value, f: Value) -> Value:
            infinite, nan, sign, opposite = f[0], f[1], f[2], f[3]
            code = Mux(opposite & ~s.any(), 0, rounded_code(sign, e, s, fmt))[: fmt.width]
            return Mux(nan, fmt.nan, Mux(infinite, Cat(Const(fmt.infinity, fmt.width - 1), sign), code))

        rounded = p.stage(finish, significand, result_exponent, flags, name="rounded")
        if rounded.stage != self.latency:
            raise ValueError(f"FloatAdd takes {rounded.stage} cycles, its stated latency is {self.latency}")
        m.d.comb += self.o.eq(rounded.value)
        return m
