"""Number formats, and rounding and saturation to the last bit.

A fixed-point number is an integer `code` with a `Format`; its value is code / 2**fraction. All
functions take and return integer codes and work alike on torch int64 tensors, NumPy int64 arrays
and Python ints, so that specifications and table builders need no torch. Codes stay below 2**62.

Rounding modes, always named at the call: `truncate` (towards minus infinity: drop the bits),
`half_up` (add half, then truncate) and `half_even` (ties to the even code).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, TypeVar

Rounding = Literal["truncate", "half_up", "half_even"]
#: A torch int64 tensor, a NumPy int64 array or an int.
Code = TypeVar("Code", bound=Any)


@dataclass(frozen=True)
class Format:
    """`width` bits, two's complement if `signed`, the lowest `fraction` of them below the point."""

    width: int
    fraction: int
    signed: bool = False

    @property
    def low(self) -> int:
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        return (1 << (self.width - self.signed)) - 1

    @property
    def step(self) -> float:
        return 2.0**-self.fraction

    def __str__(self) -> str:
        return f"{'s' if self.signed else 'u'}{self.width - self.fraction - self.signed}.{self.fraction}"


def unsigned(integer: int, fraction: int) -> Format:
    """`u<integer>.<fraction>`."""
    return Format(integer + fraction, fraction)


def signed(integer: int, fraction: int) -> Format:
    """`s<integer>.<fraction>`: the sign bit is not counted in `integer`."""
    return Format(1 + integer + fraction, fraction, signed=True)


def clip(code: Code, low: int, high: int) -> Code:
    """Limits every code to [low, high]."""
    return min(max(code, low), high) if isinstance(code, int) else code.clip(low, high)  # type: ignore[return-value]


def saturate(code: Code, fmt: Format) -> Code:
    """The nearest code that `fmt` holds."""
    return clip(code, fmt.low, fmt.high)


def wrap(code: Code, fmt: Format) -> Code:
    """The lowest `fmt.width` bits of the code, read as `fmt`."""
    low = code & ((1 << fmt.width) - 1)
    return low - ((low >> (fmt.width - 1)) << fmt.width) if fmt.signed else low


def shift_round(code: Code, shift: int, rounding: Rounding) -> Code:
    """code / 2**shift as an integer; a negative `shift` multiplies and is exact. `shift` < 62."""
    if shift <= 0:
        return code << -shift
    if rounding == "truncate":
        return code >> shift
    if rounding == "half_up":
        return (code + (1 << (shift - 1))) >> shift
    tie_down = 1 - ((code >> shift) & 1)
    return (code + (1 << (shift - 1)) - tie_down) >> shift


def encode(value: float, fmt: Format, *, overflow: Literal["raise", "saturate"] = "raise") -> int:
    """The code of a real constant, rounded half to even.

    Raises:
        ValueError: the value is infinite or not a number, or does not fit and `overflow` is `raise`.
    """
    if not math.isfinite(value):
        raise ValueError(f"only a finite number has a code in {fmt}, it is {value!r}")
    code = round(Fraction(value) * Fraction(2) ** fmt.fraction)
    if overflow == "raise" and not fmt.low <= code <= fmt.high:
        raise ValueError(f"{value!r} does not fit in {fmt}, [{fmt.low * fmt.step}, {fmt.high * fmt.step}]")
    return saturate(code, fmt)
