"""Pipelined floating-point multiplication."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.float_format import GUARD, FloatFormat
from hw.lib.fixed import resize
from hw.lib.float_parts import parts_of, rounded_code, shift_sticky
from hw.lib.leading_zeros import leading_zeros
from hw.lib.pipe import Pipe, Staged

SPLIT = 17  # bits of one factor that a multiplier takes


class FloatMultiply(wiring.Component):
    """o = a · b in an IEEE 754 format, rounded to nearest even; equals `golden.floats.multiply`.

    Subnormal numbers are kept; every NaN is the canonical one. Latency 9 cycles, throughput one a
    cycle. A significand of more than 17 bits is multiplied in four parts.
    """

    latency = 9

    def __init__(self, *, fmt: FloatFormat) -> None:
        self.fmt = fmt
        operands = data.StructLayout({"a": fmt.width, "b": fmt.width})
        super().__init__(
            {
                "i": In(operands),  #: codes of `fmt`
                "o": Out(fmt.width),  #: code of the product
            }
        )

    def _product(self, p: Pipe, x: Staged, y: Staged) -> Staged:
        """The exact product of two significands, 3 cycles."""
        parts = {
            (i, j): p.stage(
                lambda u, v, i=i, j=j: u[SPLIT * i : SPLIT * (i + 1)] * v[SPLIT * j : SPLIT * (j + 1)],
                x,
                y,
                name=f"part_{i}{j}",
            )
            for i in range(2)
            for j in range(2)
            if SPLIT * max(i, j) <= self.fmt.mantissa
        }
        rows = [
            p.stage(
                lambda *cells: sum((c.shift_left(SPLIT * j) for j, c in enumerate(cells)), Const(0, 1)),
                *(parts[i, j] for j in range(2) if (i, j) in parts),
                name=f"row_{i}",
            )
            for i in range(2)
            if (i, 0) in parts
        ]
        width = unsigned(2 * self.fmt.mantissa + 2)
        return p.stage(
            lambda *r: resize(sum((v.shift_left(SPLIT * i) for i, v in enumerate(r)), Const(0, 1)), width),
            *rows,
            name="product",
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        fmt = self.fmt
        width = 2 * fmt.mantissa + 2
        a = p.stage(lambda v: parts_of(v, fmt), p.source(self.i.a, "a"), name="parts_a")
        b = p.stage(lambda v: parts_of(v, fmt), p.source(self.i.b, "b"), name="parts_b")
        x = Staged(a.value.significand, a.stage, "x")
        y = Staged(b.value.significand, b.stage, "y")
        product = self._product(p, x, y)

        def special(u: data.View, v: data.View) -> Value:
            zero, infinite = u.zero | v.zero, u.infinite | v.infinite
            return Cat(zero, infinite, u.nan | v.nan | (zero & infinite), u.sign ^ v.sign)

        flags = p.stage(special, a, b, name="flags")
        exponents = p.stage(lambda u, v: u.exponent + v.exponent, a, b, name="exponents")
        zeros = p.stage(leading_zeros, product, name="zeros")
        reach = signed(fmt.exponent + 3)
        exponent = p.stage(lambda e, z: resize(e - z - (fmt.bias - 1), reach), exponents, zeros, name="exponent")
        normal = p.stage(lambda v, z: resize(v << z, unsigned(width)), product, zeros, name="normal")

        bits = (fmt.mantissa + GUARD + 2).bit_length()  # of a shift that leaves only the sticky bit

        def down(v: Value, e: Value) -> Value:
            """The significand with its guard bits, shifted below the hidden bit if it is subnormal."""
            far = (1 - e).as_unsigned()
            amount = Mux(e > 0, 0, Mux(far[bits:-1].any(), (1 << bits) - 1, far[:bits]))
            drop = width - 1 - fmt.mantissa - GUARD
            return shift_sticky(Cat(v[: drop + 1].any(), v[drop + 1 :]), amount[:bits])

        significand = p.stage(down, normal, exponent, name="significand")
        top = unsigned(fmt.exponent + 2)
        clamped = p.stage(lambda e: resize(Mux(e > 0, e, 1), top), exponent, name="clamped")

        packed = p.stage(lambda s, e: rounded_code(Const(0, 1), e, s, fmt), significand, clamped, name="packed")

        def finish(code: Value, f: Value) -> Value:
            zero, infinite, nan, sign = f[0], f[1], f[2], f[3]
            number = Mux(infinite, fmt.infinity, Mux(zero, 0, code[:-1]))[: fmt.width - 1]
            return Mux(nan, fmt.nan, Cat(number, sign))

        result = p.stage(finish, packed, flags, name="result")
        if result.stage != self.latency:
            raise ValueError(f"FloatMultiply takes {result.stage} cycles, its stated latency is {self.latency}")
        m.d.comb += self.o.eq(result.value)
        return m
