"""Bit-true floating point against torch's own half and float, on special and millions of random values."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from golden import floats
from golden.float_format import HALF, SINGLE, FloatFormat

COUNT = 1_000_000


def special(fmt: FloatFormat) -> Tensor:
    """Zeros, subnormal and smallest normal numbers, one, the largest, infinities, NaNs; both signs."""
    positive = [
        0,
        1,
        2,
        3,
        (1 << fmt.mantissa) - 1,
        1 << fmt.mantissa,
        (1 << fmt.mantissa) + 1,
        fmt.bias << fmt.mantissa,
    ]
    positive += [fmt.infinity - 1, fmt.infinity, fmt.infinity + 1, fmt.nan]
    return torch.tensor([code | sign for code in positive for sign in (0, fmt.sign)])


def pairs(fmt: FloatFormat, seed: int) -> tuple[Tensor, Tensor]:
    """All pairs of special values, random codes, and pairs that nearly cancel."""
    generator = torch.Generator().manual_seed(seed)
    codes = special(fmt)

    def draw(high: int, low: int = 0) -> Tensor:
        return torch.randint(low, high, (COUNT,), generator=generator)

    near = draw(1 << fmt.width)
    partner = ((near ^ fmt.sign * draw(2)) + draw(40, -40)) & ((1 << fmt.width) - 1)
    a = torch.cat([codes.repeat_interleave(len(codes)), draw(1 << fmt.width), near])
    return a, torch.cat([codes.repeat(len(codes)), draw(1 << fmt.width), partner])


def canonical(values: Tensor, fmt: FloatFormat) -> Tensor:
    codes = floats.to_codes(values)
    return torch.where(floats.is_nan(codes, fmt), fmt.nan, codes)


@pytest.mark.parametrize("fmt", [HALF, SINGLE], ids=["half", "single"])
@pytest.mark.parametrize(
    ("ours", "torchs"),
    [
        (floats.add, torch.add),
        (floats.multiply, torch.mul),
        (floats.maximum, torch.maximum),
        (floats.minimum, torch.minimum),
    ],
)
def test_equals_torch(ours: Callable[..., Tensor], torchs: Callable[..., Tensor], fmt: FloatFormat, seed: int) -> None:
    a, b = pairs(fmt, seed)
    got = ours(a, b, fmt)
    expected = canonical(torchs(floats.to_values(a, fmt), floats.to_values(b, fmt)), fmt)
    differs = got != expected
    if ours in (floats.maximum, floats.minimum):
        differs &= (a | b | fmt.sign) != fmt.sign  # of +0 and -0 torch may return either
    assert not differs.any(), [hex(int(v[differs][0])) for v in (a, b, got, expected)]


@pytest.mark.parametrize("fmt", [HALF, SINGLE], ids=["half", "single"])
def test_order_of_zeros(fmt: FloatFormat) -> None:
    zero, negative = torch.tensor([0]), torch.tensor([fmt.sign])
    for a, b in ((zero, negative), (negative, zero)):
        assert floats.maximum(a, b, fmt).item() == 0
        assert floats.minimum(a, b, fmt).item() == fmt.sign


@pytest.mark.parametrize("fmt", [HALF, SINGLE], ids=["half", "single"])
def test_addition_commutes(fmt: FloatFormat, seed: int) -> None:
    a, b = pairs(fmt, seed)
    assert torch.equal(floats.add(a, b, fmt), floats.add(b, a, fmt))


def test_widen_is_exact() -> None:
    codes = torch.arange(1 << 16)
    assert torch.equal(floats.widen(codes), canonical(floats.to_values(codes, HALF).float(), SINGLE))


def test_leading_zeros() -> None:
    values = torch.tensor([0, 1, 2, 3, 1023, 1024, 2047])
    assert floats.leading_zeros(values, 11).tolist() == [11, 10, 9, 9, 1, 0, 0]


def test_exponential(seed: int) -> None:
    """Within 4.5e-5 of exp below 80, exact at zero, zero from 2**-125 down, NaN kept."""
    generator = torch.Generator().manual_seed(seed)
    values = 80 * torch.rand(COUNT, generator=generator) ** 4
    got = floats.to_values(floats.exp_negative(floats.to_codes(values)), SINGLE)
    exact = torch.exp(-values.double())
    assert ((got - exact).abs() / exact).max() < 4.5e-5
    codes = floats.to_codes(torch.tensor([0.0, 1e-45, 87.0, 88.0, 128.0, 1e38, float("inf")]))
    ends = floats.to_values(floats.exp_negative(codes), SINGLE)
    assert ends[:2].tolist() == [1, 1]
    assert ends[2] > 0
    assert not ends[3:].any()
    assert floats.exp_negative(torch.tensor([SINGLE.nan])).item() == SINGLE.nan


def power_of_two(exponent: Tensor) -> Tensor:
    """2.0**exponent as a double, exact for normal numbers."""
    return ((exponent + 1023) << 52).view(torch.float64)


def integers(seed: int) -> tuple[Tensor, Tensor]:
    """Ends and ties of 48-bit values at every scale, then random ones of every length."""
    generator = torch.Generator().manual_seed(seed)
    top = 1 << 47
    special = [
        0,
        1,
        2,
        3,
        (1 << 24) - 1,
        (1 << 24) + 1,
        (1 << 25) - 1,
        (1 << 25) + 3,
        top - 1,
        top - (1 << 22),
        1 - top,
    ]
    signed = torch.tensor([-top, *(s * v for v in special for s in (1, -1))])
    scales = torch.arange(-512, 512)
    random = torch.randint(-top, top, (COUNT,), generator=generator) >> torch.randint(48, (COUNT,), generator=generator)
    values = torch.cat([signed.repeat_interleave(len(scales)), random, random])
    near = torch.randint(-180, 140, (COUNT,), generator=generator)  # where results are numbers
    drawn = torch.randint(-512, 512, (COUNT,), generator=generator)
    return values, torch.cat([scales.repeat(len(signed)), near, drawn])


def test_from_int(seed: int) -> None:
    """One rounding to 24 bits, done by torch on a mantissa near one; then the ends of the range by their rule."""
    value, scale = integers(seed)
    mantissa, exponent = torch.frexp(value.double())
    rounded = mantissa.float().double() * power_of_two(exponent.long() + scale)
    expected = torch.where(rounded.abs() < 2.0**-126, rounded.sign() * 0.0, rounded).float()
    expected[value == 0] = 0.0
    assert torch.equal(floats.from_int(value, scale), floats.to_codes(expected))


def test_to_code(seed: int) -> None:
    """Against doubles, in which x · 2**shift is exact: special values at every shift and limit, ties, random ones."""
    generator = torch.Generator().manual_seed(seed)

    def draw(low: int, high: int) -> Tensor:
        return torch.randint(low, high, (COUNT,), generator=generator)

    codes, shifts, limits = special(SINGLE), torch.arange(-512, 512), torch.tensor([0, 1, 127, 32767])
    grid = torch.cartesian_prod(codes, shifts, limits)
    shift, limit = draw(-512, 512), draw(0, 1 << 15) >> draw(0, 16)
    # Numbers of so few bits that half of them end in a tie, and such that the result is near the limit.
    ties = floats.to_codes(draw(-(1 << 17), 1 << 17).float())
    ties += torch.where(ties & (SINGLE.sign - 1) == 0, 0, (-1 - shift.clamp(-100, 100)) << SINGLE.mantissa)
    single = torch.cat([grid[:, 0], draw(0, 1 << 32), ties])
    shift = torch.cat([grid[:, 1], shift, shift.clamp(-100, 100)])
    limit = torch.cat([grid[:, 2], limit, limit])

    x = floats.to_values(single, SINGLE).double()
    x[x.isnan() | (x.abs() < 2.0**-126)] = 0.0
    rounded = torch.round(x * power_of_two(shift))
    code, clipped = floats.to_code(single, shift, limit)
    assert torch.equal(code, torch.minimum(torch.maximum(rounded, -limit.double()), limit.double()).long())
    assert torch.equal(clipped, rounded.abs() > limit)


def test_reciprocal(seed: int) -> None:
    """torch's own division, but for subnormal numbers: those count as 0 on either side."""
    generator = torch.Generator().manual_seed(seed)
    powers = torch.arange(0, 1 << SINGLE.width, 1 << SINGLE.mantissa)
    codes = torch.cat([special(SINGLE), powers, powers + 1, powers - 1])
    codes = torch.cat([codes.clamp(min=0), torch.randint(1 << SINGLE.width, (COUNT,), generator=generator)])

    def flushed(values: Tensor) -> Tensor:
        return torch.where(values.abs() < 2.0**-126, values * 0, values)

    expected = canonical(flushed(1 / flushed(floats.to_values(codes, SINGLE))), SINGLE)
    assert torch.equal(floats.reciprocal(codes), expected)
