"""Pieces of floating-point datapaths: fields, rounding, order. All combinational."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Mux, Value, unsigned
from amaranth.lib import data

from golden.float_format import GUARD, HALF, SINGLE, FloatFormat
from hw.lib.fixed import resize
from hw.lib.leading_zeros import leading_zeros


class PartsLayout(data.StructLayout):
    """A number, taken apart."""

    def __init__(self, fmt: FloatFormat) -> None:
        super().__init__(
            {
                "significand": fmt.mantissa + 1,  #: with its hidden bit
                "exponent": fmt.exponent,  #: biased; 1 for subnormal numbers
                "sign": 1,  #: below zero, or -0
                "zero": 1,  #: +0 or -0
                "infinite": 1,  #: plus or minus infinity
                "nan": 1,  #: not a number
            }
        )


def parts_of(code: Value, fmt: FloatFormat) -> data.View:
    """The parts of a number's code."""
    fraction = code[: fmt.mantissa]
    exponent = code[fmt.mantissa : fmt.width - 1]
    full, hidden = exponent == fmt.top, exponent.any()
    bits = Cat(
        fraction, hidden, exponent | ~hidden, code[-1], ~code[:-1].any(), full & ~fraction.any(), full & fraction.any()
    )
    return PartsLayout(fmt)(bits)


def shift_sticky(value: Value, amount: Value) -> Value:
    """value >> amount, as wide as `value`; the lowest bit also says whether a set bit was lost."""
    width = len(value)
    left_out = ~resize(Const((1 << width) - 1, width) << amount, unsigned(width))
    shifted = value >> amount
    return Cat(shifted[0] | (value & left_out).any(), shifted[1:])


def rounded_code(sign: Value, exponent: Value, significand: Value, fmt: FloatFormat) -> Value:
    """The code of a significand with `GUARD` bits below the last place, rounded to nearest even.

    The hidden bit may be 0 at exponent 1. Exponent and fraction stand side by side, so that a carry
    raises the exponent by itself; what reaches the top is infinite.
    """
    kept, rest = significand[GUARD:], significand[:GUARD]
    up = rest[-1] & (rest[:-1].any() | kept[0])
    joined = Cat(kept[: fmt.mantissa], exponent - ~kept[fmt.mantissa])[: fmt.mantissa + len(exponent)]
    rounded = (joined + up)[: len(joined)]
    over = (exponent > fmt.top - 1) | (rounded[fmt.mantissa :] >= fmt.top)
    return Cat(Mux(over, fmt.infinity, rounded)[: fmt.width - 1], sign)


def less(a: Value, b: Value) -> Value:
    """a < b for codes of numbers, -0 below +0."""
    opposite = a[-1] ^ b[-1]
    return Mux(opposite, a[-1], (a[:-1] != b[:-1]) & ((a[:-1] < b[:-1]) ^ a[-1]))


def extreme(a: Value, b: Value, fmt: FloatFormat, *, smaller: Value | int = 0) -> Value:
    """The larger, or the `smaller`, of two numbers, NaN if either is: `golden.floats.maximum` and `minimum`."""
    chosen = Mux(less(a, b) ^ smaller, b, a)
    return Mux(is_nan(a, fmt) | is_nan(b, fmt), fmt.nan, chosen)[: fmt.width]


def is_nan(code: Value, fmt: FloatFormat) -> Value:
    """Of either sign, with any payload."""
    return code[: fmt.width - 1] > fmt.infinity


def widen(code: Value) -> Value:
    """Half to single, exact; every NaN becomes the canonical one."""
    parts = parts_of(code, HALF)
    zeros = leading_zeros(parts.significand)
    fraction = resize(parts.significand << zeros, unsigned(HALF.mantissa))
    exponent = resize(parts.exponent - zeros + (SINGLE.bias - HALF.bias), unsigned(SINGLE.exponent))
    number = Cat(Const(0, SINGLE.mantissa - HALF.mantissa), fraction, exponent)
    finite = Mux(parts.zero, 0, Mux(parts.infinite, SINGLE.infinity, number))[: SINGLE.width - 1]
    return Mux(parts.nan, SINGLE.nan, Cat(finite, parts.sign))
