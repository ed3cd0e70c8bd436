"""Rounding, saturation and shifts of Amaranth values: the twins of `golden.formats`."""

from __future__ import annotations

from amaranth.hdl import Mux, Shape, Value

from golden.formats import Format, Rounding


def shape_of(fmt: Format) -> Shape:
    """The Amaranth shape that holds the codes of `fmt`."""
    return Shape(fmt.width, signed=fmt.signed)


def shift_round(value: Value, shift: int, rounding: Rounding) -> Value:
    """value / 2**shift as an integer, exact in width; the twin of `golden.formats.shift_round`."""
    if shift <= 0:
        return value << -shift
    if rounding == "truncate":
        return value >> shift
    if rounding == "half_up":
        return ((value >> (shift - 1)) + 1) >> 1
    return (value + ((1 << (shift - 1)) - 1) + value[shift]) >> shift


def clip(value: Value, low: int, high: int) -> Value:
    """`value` limited to [low, high]; comparisons that cannot fail are left out."""
    shape = value.shape()
    result = value
    if (shape.signed and low > -(1 << (shape.width - 1))) or (not shape.signed and low > 0):
        result = Mux(value < low, low, result)
    if high < (1 << (shape.width - shape.signed)) - 1:
        result = Mux(value > high, high, result)
    return result


def saturate(value: Value, fmt: Format) -> Value:
    """The nearest code of `fmt`, in its width; the twin of `golden.formats.saturate`."""
    limited = clip(value, fmt.low, fmt.high)[: fmt.width]
    return limited.as_signed() if fmt.signed else limited


def shift_right_half_up(value: Value, shift: Value) -> Value:
    """(value + 2**(shift-1)) >> shift for a variable shift of at least 1.

    Costs a barrel shifter and an increment: shifting by one less, adding one and halving gives
    the same integer.
    """
    return ((value >> (shift - 1).as_unsigned()[: len(shift)]) + 1) >> 1
