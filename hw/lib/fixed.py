"""Rounding, saturation and shifts of Amaranth values: the twins of `golden.formats`.

All are combinational, and results are no wider than the largest value needs unless said.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Mux, Shape, Value, unsigned

from golden.formats import Format, Rounding


def shape_of(fmt: Format) -> Shape:
    """The Amaranth shape that holds the codes of `fmt`."""
    return Shape(fmt.width, signed=fmt.signed)


def resize(value: Value, shape: Shape) -> Value:
    """`value` in exactly `shape`: extended by its own sign, or cut to its low bits."""
    missing = max(shape.width - len(value), 0)
    sign = value[-1] if value.shape().signed else Const(0, 1)
    bits = Cat(value, sign.replicate(missing))[: shape.width]
    return bits.as_signed() if shape.signed else bits


def shift_round(value: Value, shift: int, rounding: Rounding) -> Value:
    """value / 2**shift as an integer, never wrapping; the twin of `golden.formats.shift_round`.

    `truncate` and negative shifts give `shift` bits less (more); the others one bit above that.
    """
    if shift <= 0:
        return value.shift_left(-shift)
    if rounding == "truncate":
        return value.shift_right(shift)
    if rounding == "half_up":
        return (value.shift_right(shift - 1) + 1).shift_right(1)
    odd = resize(value.shift_right(shift), unsigned(1))
    nearly_half = Cat((~odd).replicate(shift - 1), odd)  # half if a tie has to go up, else one less
    return (value + nearly_half).shift_right(shift)


def shift_right_half_up(value: Value, shift: Value) -> Value:
    """(value + 2**(shift-1)) >> shift for a variable shift of at least 1.

    Costs a barrel shifter and an increment: shifting by one less, adding one and halving gives
    the same integer. One bit wider than `value`.
    """
    return ((value >> (shift - 1)[: len(shift)]) + 1).shift_right(1)


def clip(value: Value, low: int, high: int) -> Value:
    """`value` limited to [low, high]; comparisons that cannot fail are left out."""
    shape = value.shape()
    reach = Format(shape.width, 0, shape.signed)
    result = value
    if low > reach.low:
        result = Mux(value < low, low, result)
    if high < reach.high:
        result = Mux(value > high, high, result)
    return result


def saturate(value: Value, fmt: Format) -> Value:
    """The nearest code of `fmt`, in its shape; the twin of `golden.formats.saturate`."""
    return wrap(clip(value, fmt.low, fmt.high), fmt)


def wrap(value: Value, fmt: Format) -> Value:
    """The low bits as a code of `fmt`, in its shape; the twin of `golden.formats.wrap`."""
    return resize(value, shape_of(fmt))
