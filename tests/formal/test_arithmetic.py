"""Leading zeros and rounding equal their definitions for every operand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from amaranth.hdl import Assert, Elaboratable, Module, Mux, Shape, Signal, Value

from golden.formats import Format
from hw.lib.fixed import saturate, shift_right_half_up, shift_round
from hw.lib.leading_zeros import leading_zeros
from tests.formal.prove import RefutedError, prove


class Theorem(Elaboratable):
    """`claims` of free operands of the given shapes all hold."""

    def __init__(self, shapes: dict[str, Shape], claims: Callable[..., list[Value]]) -> None:
        self.ports = [Signal(shape, name=name) for name, shape in shapes.items()]
        self.claims = claims

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.d.comb += [Assert(claim) for claim in self.claims(*self.ports)]
        return m


def naive_leading_zeros(value: Value) -> Value:
    """Bit by bit: the highest one decides."""
    count: Value | int = len(value)
    for place in range(len(value)):
        count = Mux(value[place], len(value) - 1 - place, count)
    return Value.cast(count)


def test_leading_zeros(tmp_path: Path) -> None:
    widths = [*range(1, 18), 31, 32, 33, 36]

    def claims(value: Value) -> list[Value]:
        return [leading_zeros(value[:width]) == naive_leading_zeros(value[:width]) for width in widths]

    prove(Theorem({"value": Shape(36)}, claims), tmp_path)


@pytest.mark.parametrize("signed", [False, True])
def test_rounding(signed: bool, tmp_path: Path) -> None:
    """By inequalities: value = result · 2**shift + rest, and where the rest lies."""

    def claims(value: Value, amount: Value) -> list[Value]:
        found: list[Value] = []
        for shift in range(1, 12):
            one, half = 1 << shift, 1 << (shift - 1)
            down, up, even = (shift_round(value, shift, mode) for mode in ("truncate", "half_up", "half_even"))
            rest_down, rest_up, rest_even = (value - result * one for result in (down, up, even))
            tie = (rest_even == half) | (rest_even == -half)
            found += [
                (rest_down >= 0) & (rest_down < one),
                (rest_up >= -half) & (rest_up < half),
                (rest_even >= -half) & (rest_even <= half) & ~(tie & even[0]),
                (amount != shift) | (shift_right_half_up(value, amount) == up),
            ]
        return found

    prove(Theorem({"value": Shape(10, signed), "amount": Shape(4)}, claims), tmp_path)


@pytest.mark.parametrize("signed", [False, True])
def test_saturation(signed: bool, tmp_path: Path) -> None:
    """The result is the value if that fits, else the nearer limit."""

    def claims(value: Value) -> list[Value]:
        found: list[Value] = []
        for fmt in (Format(width, 0, kind) for width in (1, 5, 9, 12) for kind in (False, True)):
            result = saturate(value, fmt)
            fits = (value >= fmt.low) & (value <= fmt.high)
            found += [
                ~fits | (result == value),
                (value <= fmt.high) | (result == fmt.high),
                (value >= fmt.low) | (result == fmt.low),
            ]
        return found

    prove(Theorem({"value": Shape(9, signed)}, claims), tmp_path)


def test_a_wrong_claim_is_refuted(tmp_path: Path) -> None:
    def claims(value: Value) -> list[Value]:
        return [shift_round(value, 2, "half_up") == shift_round(value, 2, "half_even")]

    with pytest.raises(RefutedError):
        prove(Theorem({"value": Shape(5)}, claims), tmp_path)
