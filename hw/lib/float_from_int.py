"""Pipelined conversion of a scaled integer to single precision."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.float_format import GUARD, SINGLE
from hw.lib.fixed import resize
from hw.lib.float_parts import rounded_code
from hw.lib.leading_zeros import leading_zeros
from hw.lib.pipe import Pipe
from hw.lib.tree import set_below

SCALE = signed(10)


class FloatFromInt(wiring.Component):
    """o = value · 2**scale as a single, rounded to nearest even once; equals `golden.floats.from_int`.

    0 gives +0. What is below 2**-126 after rounding becomes 0 with the value's sign: no subnormal number comes
    out. Overflow gives an infinity with the value's sign. Latency 5 cycles (magnitude, count, shift, round,
    flush), throughput one a cycle.

    Raises:
        ValueError: `width` lies outside 2 to 48.
    """

    latency = 5

    def __init__(self, *, width: int) -> None:
        if not 2 <= width <= 48:
            raise ValueError(f"FloatFromInt: width must lie in 2..48, it is {width}")
        self.width = width
        layout = data.StructLayout(
            {
                "value": signed(width),  #: the integer
                "scale": SCALE,  #: power of two that it is multiplied by
            }
        )
        super().__init__(
            {
                "i": In(layout),  #: integer and scale
                "o": Out(SINGLE.width),  #: code of the single
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        width, kept = self.width, SINGLE.mantissa + 1 + GUARD
        value, scale = p.source(self.i.value, "value"), p.source(self.i.scale, "scale")

        negative = p.stage(lambda v: v < 0, value, name="negative")
        # A negation inverts all bits above the lowest set one; no carry runs through the number.
        magnitude = p.stage(
            lambda v: v.as_unsigned() ^ Mux(v < 0, set_below(m, v.as_unsigned()), 0), value, name="magnitude"
        )
        zeros = p.stage(leading_zeros, magnitude, name="zeros")
        normal = p.stage(lambda v, z: resize(v << z, unsigned(width)), magnitude, zeros, name="normal")
        raised = p.stage(lambda s: s + (width - 1 + SINGLE.bias), scale, name="raised")
        exponent = p.stage(lambda s, z: s - z, raised, zeros, name="exponent")

        def packed(v: Value, e: Value) -> Value:
            """The code for an exponent of at least 0, where a carry still reaches the smallest normal number."""
            spare = max(width - kept, 0)
            significand = Cat(Const(0, max(kept - width, 0)), v[:spare].any() | v[spare], v[spare + 1 :])
            return rounded_code(Const(0, 1), e, significand, SINGLE)

        code = p.stage(packed, normal, exponent, name="code")
        # The highest bit is set after the shift, unless the value is 0.
        below = p.stage(lambda v, e: (e < 0) | ~v[-1], normal, exponent, name="below")

        def flush(c: Value, b: Value, s: Value) -> Value:
            subnormal = ~c[SINGLE.mantissa : SINGLE.width - 1].any()
            return Cat(Mux(b | subnormal, 0, c[:-1]), s)

        result = p.stage(flush, code, below, negative, name="result")
        if result.stage != self.latency:
            raise ValueError(f"FloatFromInt takes {result.stage} cycles, its stated latency is {self.latency}")
        m.d.comb += self.o.eq(result.value)
        return m
