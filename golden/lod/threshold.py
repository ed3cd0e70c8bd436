"""A threshold as the engine sees it, and all thresholds that differ to it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from golden.errors import InputError
from golden.lod.spec import MANTISSA
from golden.lod.tree_image import TreeImage
from golden.scenes import Camera

MIN_TAU, MAX_TAU = 0.01, 10_000.0  # pixels
EXPONENT_LIMIT = 250
FRACTION = MANTISSA - 1  # bits of a code below the exponent


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """The thresholds for one focal length by their codes, from `coarsest` to `finest`.

    A code is (focal/tau)² as the engine takes it, mantissa and exponent in one number: one more is the least step
    to a finer threshold. The size check compares size² · (focal/tau)² with d² without another rounding, so a
    node that is big at a code is big at every larger one: no cut is coarser than that of a smaller code.
    """

    focal: float
    highest: float = MAX_TAU  #: pixels; the tree has no larger threshold

    @staticmethod
    def of(image: TreeImage, camera: Camera) -> Thresholds:
        """Those at which a tree can be searched."""
        focal = focal_length(camera)
        return Thresholds(focal=focal, highest=min(MAX_TAU, image.highest_tau(focal)))

    @property
    def coarsest(self) -> int:
        """The code of the highest threshold."""
        return self.code(self.highest)

    @property
    def finest(self) -> int:
        """The code of the lowest threshold."""
        return self.code(MIN_TAU)

    def code(self, tau: float) -> int:
        """The code of `tau` pixels."""
        factor, power = factor_of(self.focal, tau)
        return code_of(factor, power)

    def tau(self, code: int) -> float:
        """Of the thresholds with this code, in pixels, one that takes few digits to write."""
        power, factor = code >> FRACTION, code % (1 << FRACTION) + (1 << FRACTION)
        middle = self.focal / math.sqrt(math.ldexp(factor - 0.25, power))  # values are rounded up to a code
        candidates = (float(f"{middle:.{digits}g}") for digits in range(1, 18))
        within = (min(max(tau, MIN_TAU), self.highest) for tau in candidates)
        return next(tau for tau in within if self.code(tau) == code)


def code_of(factor: int, power: int) -> int:
    """factor · 2**power, factor in [2**16, 2**17), as one number; larger products have larger codes."""
    return (power << FRACTION) + factor - (1 << FRACTION)


def focal_length(camera: Camera) -> float:
    """The longer of the two, so that no size is too small."""
    return max(camera.fx, camera.fy)


def factor_of(focal: float, tau: float) -> tuple[int, int]:
    """(focal/tau)² as a mantissa of 17 bits, rounded up, and an exponent.

    Raises:
        InputError: it is out of the format's range.
    """
    exact = (Fraction(focal) / Fraction(tau)) ** 2
    power = math.frexp(float(exact))[1] - MANTISSA
    factor = math.ceil(exact / Fraction(2) ** power)
    if factor >> MANTISSA:
        factor, power = 1 << (MANTISSA - 1), power + 1
    if abs(power) > EXPONENT_LIMIT - 50:
        raise InputError(f"lod: (focal/tau)² must lie within 2**±{EXPONENT_LIMIT - 50}, it is {float(exact):g}")
    return factor, power
