"""Look-up tables for smooth functions, with their error.

A `LinearTable` splits the argument's range into equal segments and interpolates linearly; a
`StepTable` stores one value per code. Both are plain tuples of integers, built with `math`; the
bit-true model and the RTL's ROM share them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from golden.formats import Code, shift_round


@dataclass(frozen=True, kw_only=True)
class LinearTable:
    """y ≈ f(x) for x in [low, low + span), piecewise linear.

    The argument code has `in_bits` bits and stands for low + span·code / 2**in_bits. Its top
    `index_bits` choose a segment; the rest r interpolates:

        y = (base[segment] - ((slope[segment] · r) >> slope_shift))    if the function falls,
        y = (base[segment] + ((slope[segment] · r) >> slope_shift))    if it rises,

    in units of 2**-out_fraction. Base and slope are chosen so that the chord's error is balanced
    around zero. `max_error` is the largest error over all 2**in_bits arguments, in output units.
    The function must be monotonic and not negative, 0 <= index_bits <= in_bits.
    """

    function: Callable[[float], float]
    low: float
    span: float
    in_bits: int
    index_bits: int
    out_fraction: int
    slope_bits: int = 12

    def __post_init__(self) -> None:
        if not 0 <= self.index_bits <= self.in_bits:
            raise ValueError(f"index_bits must lie in 0..in_bits = {self.in_bits}, it is {self.index_bits}")

    @property
    def rest_bits(self) -> int:
        return self.in_bits - self.index_bits

    @cached_property
    def falling(self) -> bool:
        return self.function(self.low) > self.function(self.low + self.span)

    @cached_property
    def _chords(self) -> tuple[tuple[float, float], ...]:
        """Exact (start, |rise|) of every segment in output units, shifted to balance the error."""
        scale = 2.0**self.out_fraction
        step = self.span / (1 << self.index_bits)
        chords: list[tuple[float, float]] = []
        for segment in range(1 << self.index_bits):
            first = self.low + segment * step
            start, middle, end = (self.function(first + f * step) * scale for f in (0.0, 0.5, 1.0))
            balance = (middle - (start + end) / 2) / 2
            chords.append((start + balance, abs(end - start)))
        return tuple(chords)

    @cached_property
    def slope_shift(self) -> int:
        """The shift that lets the steepest slope just fit in `slope_bits`."""
        steepest = max(rise for _, rise in self._chords) / (1 << self.rest_bits)
        return self.slope_bits - math.frexp(steepest)[1]

    @cached_property
    def base(self) -> tuple[int, ...]:
        # The shift below rounds down; half a unit here centres it.
        sign = -0.5 if self.falling else 0.5
        return tuple(math.floor(start + sign + 0.5) for start, _ in self._chords)

    @cached_property
    def slope(self) -> tuple[int, ...]:
        top = (1 << self.slope_bits) - 1
        scale = 2.0 ** (self.slope_shift - self.rest_bits)
        return tuple(min(top, round(rise * scale)) for _, rise in self._chords)

    def segment(self, code: Code) -> Code:
        return code >> self.rest_bits

    def interpolate(self, base: Code, slope: Code, code: Code) -> Code:
        """The last step, from the two stored words and the argument."""
        rise = shift_round(slope * (code & ((1 << self.rest_bits) - 1)), self.slope_shift, "truncate")
        return base - rise if self.falling else base + rise

    def __call__(self, code: int) -> int:
        index = self.segment(code)
        return self.interpolate(self.base[index], self.slope[index], code)

    @cached_property
    def highest(self) -> int:
        """The largest value, at an end of a segment."""
        last = (1 << self.rest_bits) - 1
        ends = (self(segment << self.rest_bits | rest) for segment in range(1 << self.index_bits) for rest in (0, last))
        return max(ends)

    @cached_property
    def max_error(self) -> float:
        worst = 0.0
        for code in range(1 << self.in_bits):
            exact = self.function(self.low + self.span * code / (1 << self.in_bits)) * 2.0**self.out_fraction
            worst = max(worst, abs(self(code) - exact))
        return worst


@dataclass(frozen=True, kw_only=True)
class StepTable:
    """y = round(f(low + span·(code + offset) / 2**in_bits) · 2**out_fraction): one word a code.

    `offset` 0.5 takes the middle of the step, 1 its end (an upper bound of a rising function when
    `round_up` is set).
    """

    function: Callable[[float], float]
    low: float
    span: float
    in_bits: int
    out_fraction: int
    offset: float = 0.5
    round_up: bool = False

    @cached_property
    def values(self) -> tuple[int, ...]:
        rounding = math.ceil if self.round_up else round
        return tuple(
            rounding(
                self.function(self.low + self.span * (code + self.offset) / (1 << self.in_bits))
                * 2.0**self.out_fraction
            )
            for code in range(1 << self.in_bits)
        )

    def __call__(self, code: int) -> int:
        return self.values[code]
