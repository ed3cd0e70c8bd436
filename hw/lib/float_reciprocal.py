"""Reciprocal of a single, one quotient bit a cycle."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.float_format import SINGLE
from hw.lib.float_parts import parts_of

MANTISSA = SINGLE.mantissa
STEPS = MANTISSA + 3  # quotient bits: one above the point, the significand's below it, and the half


class FloatReciprocal(wiring.Component):
    """o = 1 / value, a single rounded to nearest; equals `golden.floats.reciprocal`.

    1/0 is an infinity and 1/infinity a zero, of the operand's sign; every NaN is the canonical one. No subnormal
    number is kept: one that goes in counts as 0, one that would come out is 0. Latency 28 cycles from `start` to
    `done` for every value (load, 26 quotient bits, round), one division at a time. A restoring divider without
    multipliers. Of a normal number's reciprocal, which never lies halfway between two singles, the half bit
    alone decides the rounding.
    """

    latency = STEPS + 2

    def __init__(self) -> None:
        layout = data.StructLayout(
            {
                "start": 1,  #: begin; a division under way is dropped
                "value": SINGLE.width,  #: code of the divisor, looked at with `start`
            }
        )
        super().__init__(
            {
                "i": In(layout),  #: what to divide by, and when
                "done": Out(1),  #: high for a cycle, with the result
                "o": Out(SINGLE.width),  #: its code, held until the next `done`
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        parts = parts_of(self.i.value, SINGLE)
        operand = Signal.like(parts, reset_less=True)
        remainder = Signal(MANTISSA + 2, reset_less=True)  # twice what was left, below twice the divisor
        quotient = Signal(STEPS, reset_less=True)
        left = Signal(range(STEPS + 2))  # cycles to go

        difference = Signal(signed(MANTISSA + 3))
        fits = ~difference[-1]
        m.d.comb += difference.eq(remainder - operand.significand)
        with m.If(left > 1):
            m.d.sync += [
                remainder.eq(Mux(fits, difference, remainder) << 1),
                quotient.eq(Cat(fits, quotient)),
            ]

        # 2**MANTISSA / significand is 1 for a power of two, and lies between 1/2 and 1 for all others. An infinity's
        # exponent field gives one below 1, as results do that would be subnormal.
        power = quotient[-1]
        exponent = 2 * SINGLE.bias - 1 - operand.exponent + power
        fraction = (quotient[1 : MANTISSA + 1] + quotient[0])[:MANTISSA]
        number = Mux(exponent < 1, 0, Cat(fraction, exponent[: SINGLE.exponent]))
        subnormal = ~operand.significand[-1]
        result = Cat(Mux(subnormal, SINGLE.infinity, number)[: SINGLE.width - 1], operand.sign)
        last = (left == 1) & ~self.i.start
        m.d.sync += self.done.eq(last)
        with m.If(last):
            m.d.sync += self.o.eq(Mux(operand.nan, SINGLE.nan, result))

        with m.If(left != 0):
            m.d.sync += left.eq(left - 1)
        with m.If(self.i.start):
            m.d.sync += [operand.eq(parts), remainder.eq(Const(1 << MANTISSA)), left.eq(STEPS + 1)]
        return m
