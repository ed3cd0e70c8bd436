"""Binary floating-point formats: sizes and special codes, without arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

GUARD = 3  # bits that arithmetic keeps below the last place: guard, round and sticky


@dataclass(frozen=True)
class FloatFormat:
    """An IEEE 754 interchange format: sign, `exponent` bits, `mantissa` bits (the hidden one not counted)."""

    exponent: int
    mantissa: int

    @property
    def width(self) -> int:
        return 1 + self.exponent + self.mantissa

    @property
    def bias(self) -> int:
        return (1 << (self.exponent - 1)) - 1

    @property
    def top(self) -> int:
        """The exponent field of infinities and NaNs."""
        return (1 << self.exponent) - 1

    @property
    def infinity(self) -> int:
        return self.top << self.mantissa

    @property
    def nan(self) -> int:
        """The one NaN that arithmetic returns: positive, quiet, no payload."""
        return self.infinity | 1 << (self.mantissa - 1)

    @property
    def one(self) -> int:
        """The code of 1."""
        return self.bias << self.mantissa

    @property
    def sign(self) -> int:
        return 1 << (self.width - 1)

    @property
    def negative_infinity(self) -> int:
        return self.sign | self.infinity


HALF = FloatFormat(5, 10)
SINGLE = FloatFormat(8, 23)
