"""IEEE 754 arithmetic on bit patterns, to the last bit.

All functions take and return the codes of a `FloatFormat` as non-negative int64 tensors. Rounding is
to nearest, ties to even. Subnormal numbers are kept, except where a function says otherwise. Every
NaN that is returned is `FloatFormat.nan`.
Alignment keeps three bits below the last place (guard, round, sticky), as `hw.lib.float_add` does.
"""

from __future__ import annotations

import torch
from torch import Tensor

from golden.float_format import GUARD, HALF, SINGLE, FloatFormat
from golden.float_tables import LOG2E, LOG2E_FRACTION, OUT_FRACTION, TABLE_BITS, exp2_falling
from golden.integers import look_up


def to_codes(values: Tensor) -> Tensor:
    """Bit patterns of a half, float or int32 tensor as int64."""
    raw = {torch.float16: torch.int16, torch.float32: torch.int32, torch.int32: torch.int32}[values.dtype]
    return values.view(raw).to(torch.int64) & ((1 << (16 if raw == torch.int16 else 32)) - 1)


def to_values(codes: Tensor, fmt: FloatFormat) -> Tensor:
    """The half or float tensor with these bit patterns."""
    if fmt.width == 16:
        return codes.to(torch.int32).to(torch.int16).view(torch.float16)
    return codes.to(torch.int32).view(torch.float32)


def is_nan(code: Tensor, fmt: FloatFormat) -> Tensor:
    """True for a NaN of either sign, with any payload."""
    return (code & (fmt.sign - 1)) > fmt.infinity


def leading_zeros(value: Tensor, width: int) -> Tensor:
    """Zeros above the highest set bit of a `width`-bit word; `width` for zero."""
    zeros = torch.zeros_like(value)
    rest = value
    for shift in (32, 16, 8, 4, 2, 1):
        if shift >= width:
            continue
        high = rest >> shift
        zeros = torch.where(high != 0, zeros, zeros + shift)
        rest = torch.where(high != 0, high, rest & ((1 << shift) - 1))
    # The loop above counted in a word of the next power of two.
    size = 1 << max(width - 1, 0).bit_length()
    return torch.where(value == 0, width, zeros - (size - width))


def _unpack(code: Tensor, fmt: FloatFormat) -> tuple[Tensor, Tensor, Tensor]:
    """Sign, exponent field (1 for subnormal numbers) and significand with its hidden bit."""
    exponent = (code >> fmt.mantissa) & fmt.top
    fraction = code & ((1 << fmt.mantissa) - 1)
    hidden = (exponent != 0).to(torch.int64) << fmt.mantissa
    return (code >> (fmt.width - 1)) & 1, exponent.clamp(min=1), fraction | hidden


def _shift_sticky(value: Tensor, shift: Tensor) -> Tensor:
    """value >> shift; the lowest bit also says whether a set bit was lost."""
    shift = shift.clamp(0, 62)
    shifted = value >> shift
    return shifted | ((shifted << shift) != value).to(torch.int64)


def _round(significand: Tensor) -> Tensor:
    """significand / 2**GUARD, to the nearest integer, ties to even."""
    kept, rest = significand >> GUARD, significand & ((1 << GUARD) - 1)
    half = 1 << (GUARD - 1)
    return kept + ((rest > half) | ((rest == half) & ((kept & 1) == 1))).to(torch.int64)


def _pack(sign: Tensor, exponent: Tensor, significand: Tensor, fmt: FloatFormat) -> Tensor:
    """Rounds a significand with `GUARD` bits below the last place; its hidden bit may be 0 at exponent 1."""
    # Exponent and fraction side by side: a carry out of the fraction raises the exponent by itself.
    code = ((exponent - 1) << fmt.mantissa) + _round(significand)
    return code.clamp(max=fmt.infinity) | sign << (fmt.width - 1)


def add(a: Tensor, b: Tensor, fmt: FloatFormat) -> Tensor:
    """a + b."""
    magnitude = fmt.sign - 1
    swap = (a & magnitude) < (b & magnitude)
    large, small = torch.where(swap, b, a), torch.where(swap, a, b)
    sign, exponent, x = _unpack(large, fmt)
    other, exponent_small, y = _unpack(small, fmt)
    x, y = x << GUARD, _shift_sticky(y << GUARD, exponent - exponent_small)
    total = torch.where(sign == other, x + y, x - y)
    width = fmt.mantissa + GUARD + 2  # hidden bit, and a carry above it
    carry = total >> (width - 1)
    total, exponent = torch.where(carry == 1, _shift_sticky(total, torch.ones_like(total)), total), exponent + carry
    shift = torch.minimum(leading_zeros(total, width - 1), exponent - 1)
    result = _pack(sign, exponent - shift, total << shift, fmt)
    # x - x is +0, and so is every other zero sum except -0 + -0.
    result = torch.where((total == 0) & (sign != other), 0, result)
    result = torch.where((large & magnitude) == fmt.infinity, large, result)
    opposite = ((a & magnitude) == fmt.infinity) & (a == b ^ fmt.sign)
    return torch.where(is_nan(a, fmt) | is_nan(b, fmt) | opposite, fmt.nan, result)


def multiply(a: Tensor, b: Tensor, fmt: FloatFormat) -> Tensor:
    """a · b."""
    magnitude = fmt.sign - 1
    sign_a, exponent_a, x = _unpack(a, fmt)
    sign_b, exponent_b, y = _unpack(b, fmt)
    sign = sign_a ^ sign_b
    width = 2 * fmt.mantissa + 2
    product = x * y
    zeros = leading_zeros(product, width)
    exponent = exponent_a + exponent_b - fmt.bias + 1 - zeros  # of the product with its highest bit as hidden bit
    down = (1 - exponent).clamp(min=0)
    normal = product << zeros.clamp(max=width - 1)
    significand = _shift_sticky(normal, down + (width - 1 - fmt.mantissa - GUARD))
    code = _pack(sign, exponent.clamp(min=1), significand, fmt)
    zero = ((a & magnitude) == 0) | ((b & magnitude) == 0)
    infinite = ((a & magnitude) == fmt.infinity) | ((b & magnitude) == fmt.infinity)
    code = torch.where(zero, sign << (fmt.width - 1), code)
    code = torch.where(infinite, fmt.infinity | sign << (fmt.width - 1), code)
    return torch.where(is_nan(a, fmt) | is_nan(b, fmt) | (infinite & zero), fmt.nan, code)


def _order(code: Tensor, fmt: FloatFormat) -> Tensor:
    """An integer that sorts as the numbers do, -0 below +0."""
    magnitude = code & (fmt.sign - 1)
    return torch.where(code >= fmt.sign, -1 - magnitude, magnitude)


def maximum(a: Tensor, b: Tensor, fmt: FloatFormat) -> Tensor:
    """IEEE 754-2019 maximum: NaN if either is, -0 < +0."""
    larger = torch.where(_order(a, fmt) < _order(b, fmt), b, a)
    return torch.where(is_nan(a, fmt) | is_nan(b, fmt), fmt.nan, larger)


def minimum(a: Tensor, b: Tensor, fmt: FloatFormat) -> Tensor:
    """IEEE 754-2019 minimum: NaN if either is, -0 < +0."""
    smaller = torch.where(_order(a, fmt) < _order(b, fmt), a, b)
    return torch.where(is_nan(a, fmt) | is_nan(b, fmt), fmt.nan, smaller)


def widen(code: Tensor) -> Tensor:
    """Half to single, exact."""
    sign, exponent, x = _unpack(code, HALF)
    zeros = leading_zeros(x, HALF.mantissa + 1)
    fraction = (x << zeros) & ((1 << HALF.mantissa) - 1)
    exponent = exponent - zeros + (SINGLE.bias - HALF.bias)
    result = exponent << SINGLE.mantissa | fraction << (SINGLE.mantissa - HALF.mantissa)
    result = torch.where(x == 0, 0, result)
    result = torch.where((code & (HALF.sign - 1)) == HALF.infinity, SINGLE.infinity, result)
    return torch.where(is_nan(code, HALF), SINGLE.nan, result | sign << (SINGLE.width - 1))


def exp_negative(code: Tensor) -> Tensor:
    """exp(-d) of a single d >= 0, by a table: the twin of `hw.lib.float_exp`.

    d·log2(e), truncated to 16 fraction bits, is n + f; the result is table(f)·2**-n, a normal number
    with 17 bits of fraction, and 0 for n > 125. The sign bit of d is ignored. exp(-NaN) is NaN.
    """
    exponent = ((code >> SINGLE.mantissa) & SINGLE.top) - SINGLE.bias
    _, _, significand = _unpack(code, SINGLE)
    power = (significand * LOG2E) >> (SINGLE.mantissa + LOG2E_FRACTION - TABLE_BITS - exponent).clamp(17, 62)
    whole, part = power >> TABLE_BITS, power & ((1 << TABLE_BITS) - 1)
    table = exp2_falling()
    value = look_up(table, part).clamp(1 << (OUT_FRACTION - 1), 1 << OUT_FRACTION)
    value = torch.where(part == 0, 1 << OUT_FRACTION, value)  # whole powers of two, 1 among them, are exact
    fraction = (value - (1 << (OUT_FRACTION - 1))) << (SINGLE.mantissa - OUT_FRACTION + 1)
    result = ((SINGLE.bias - 1 - whole) << SINGLE.mantissa) + fraction
    result = torch.where((whole > SINGLE.bias - 2) | (exponent > 6), 0, result)
    return torch.where(is_nan(code, SINGLE), SINGLE.nan, result)


def from_int(value: Tensor, scale: Tensor) -> Tensor:
    """The single value · 2**scale of an integer below 2**48 in size, rounded once: the twin of `hw.lib.float_from_int`.

    What is below 2**-126 after rounding becomes 0 with the value's sign; 0 itself gives +0, overflow an infinity.
    """
    sign, width = (value < 0).to(torch.int64), 48
    magnitude = value.abs()
    zeros = leading_zeros(magnitude, width)
    significand = _shift_sticky(magnitude << zeros, torch.tensor(width - 1 - SINGLE.mantissa - GUARD))
    exponent = scale + (width - 1 + SINGLE.bias) - zeros
    # At exponent 0 the carry out of rounding still reaches the smallest normal number; below, nothing does.
    code = _pack(torch.zeros_like(sign), exponent, significand, SINGLE)
    code = torch.where(code < 1 << SINGLE.mantissa, 0, code)
    return torch.where(value == 0, 0, code | sign << (SINGLE.width - 1))


def to_code(single: Tensor, shift: Tensor, limit: Tensor | int) -> tuple[Tensor, Tensor]:
    """clip(round_half_even(x · 2**shift), -limit, limit), and where it clipped: the twin of `hw.lib.float_to_code`.

    `limit` lies below 2**17. An infinity clips, NaN gives 0. Subnormal x count as 0, as they round for shift <= 125.
    """
    sign, exponent, significand = _unpack(single, SINGLE)
    down = SINGLE.mantissa + SINGLE.bias - exponent - shift
    # Shifted down by 6, every significand is beyond the limit already.
    rounded = _round(_shift_sticky(significand << GUARD, down.clamp(min=6)))
    size = single & (SINGLE.sign - 1)
    magnitude = torch.where((size < 1 << SINGLE.mantissa) | (size > SINGLE.infinity), 0, rounded)
    clipped = (magnitude > limit) | (size == SINGLE.infinity)
    magnitude = torch.where(clipped, limit, magnitude)
    return torch.where(sign == 1, -magnitude, magnitude), clipped


def reciprocal(single: Tensor) -> Tensor:
    """1/x, rounded to nearest: the twin of `hw.lib.float_reciprocal`.

    No subnormal number is kept: one that goes in counts as 0 of its sign, whose reciprocal is an infinity of that
    sign, and one that would come out is 0. 1/x of normal numbers never lies halfway between two singles.
    """
    sign, exponent, significand = _unpack(single, SINGLE)
    hidden = 1 << SINGLE.mantissa
    quotient = (1 << (2 * SINGLE.mantissa + 2)) // significand.clamp(min=hidden)
    # The quotient's own highest bit, and for a power of two the one above, raises the exponent field.
    code = ((2 * SINGLE.bias - 2 - exponent) << SINGLE.mantissa) + ((quotient + 1) >> 1)
    size = single & (SINGLE.sign - 1)
    code = torch.where(code < hidden, 0, code)  # also for an infinity, by its exponent field
    code = torch.where(size < hidden, SINGLE.infinity, code) | sign << (SINGLE.width - 1)
    return torch.where(is_nan(single, SINGLE), SINGLE.nan, code)
