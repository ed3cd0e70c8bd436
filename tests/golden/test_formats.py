from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from golden.formats import Format, Rounding, clip, encode, saturate, shift_round, signed, unsigned, wrap

ROUNDINGS: dict[Rounding, Callable[[Fraction], int]] = {
    "truncate": math.floor,
    "half_up": lambda x: math.floor(x + Fraction(1, 2)),
    "half_even": round,  # Python's own rule, exact on fractions
}
WIDE = st.integers(-(2**61), 2**61)
FORMATS = st.builds(Format, st.integers(1, 61), st.just(0), st.booleans())


@pytest.mark.parametrize(
    ("fmt", "text", "width", "low", "high"),
    [
        (unsigned(2, 14), "u2.14", 16, 0, 65535),
        (signed(14, 4), "s14.4", 19, -(1 << 18), (1 << 18) - 1),
        (unsigned(0, 8), "u0.8", 8, 0, 255),
        (signed(0, 3), "s0.3", 4, -8, 7),
    ],
)
def test_format(fmt: Format, text: str, width: int, low: int, high: int) -> None:
    assert (str(fmt), fmt.width, fmt.low, fmt.high) == (text, width, low, high)
    assert fmt.step == 2.0**-fmt.fraction


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_shift_round_exhaustively(rounding: Rounding) -> None:
    for shift in range(-3, 9):
        for code in range(-64, 65):
            expected = ROUNDINGS[rounding](Fraction(code) / Fraction(2) ** shift)
            assert shift_round(code, shift, rounding) == expected, f"{code} / 2**{shift}"


@given(code=WIDE, shift=st.integers(0, 61), rounding=st.sampled_from(list(ROUNDINGS)))
def test_shift_round_wide(code: int, shift: int, rounding: Rounding) -> None:
    assert shift_round(code, shift, rounding) == ROUNDINGS[rounding](Fraction(code, 1 << shift))


@given(code=st.integers(-8, 8), shift=st.integers(1, 61), offset=st.integers(-1, 1))
def test_half_even_around_ties(code: int, shift: int, offset: int) -> None:
    near_tie = (code << shift) + (1 << (shift - 1)) + offset
    assert shift_round(near_tie, shift, "half_even") == round(Fraction(near_tie, 1 << shift))


@given(code=WIDE, fmt=FORMATS)
def test_saturate_is_the_nearest_code(code: int, fmt: Format) -> None:
    assert saturate(code, fmt) == sorted((fmt.low, code, fmt.high))[1]


@given(code=WIDE, fmt=FORMATS)
def test_wrap_keeps_the_low_bits(code: int, fmt: Format) -> None:
    wrapped = wrap(code, fmt)
    assert fmt.low <= wrapped <= fmt.high
    assert (wrapped - code) % (1 << fmt.width) == 0


def operations(shift: int, rounding: Rounding, fmt: Format) -> list[Callable[[Any], Any]]:
    return [
        lambda code: shift_round(code, shift, rounding),
        lambda code: shift_round(code >> 3, -2, rounding),
        lambda code: saturate(code, fmt),
        lambda code: wrap(code, fmt),
        lambda code: clip(code, -5, 1 << 40),
    ]


@given(
    codes=st.lists(WIDE, min_size=1, max_size=20),
    shift=st.integers(0, 61),
    rounding=st.sampled_from(list(ROUNDINGS)),
    fmt=FORMATS,
)
def test_torch_numpy_and_int_agree(codes: list[int], shift: int, rounding: Rounding, fmt: Format) -> None:
    for operation in operations(shift, rounding, fmt):
        expected = [operation(code) for code in codes]
        array, tensor = operation(np.array(codes, np.int64)), operation(torch.tensor(codes))
        assert (array.dtype, tensor.dtype) == (np.int64, torch.int64)
        assert array.tolist() == tensor.tolist() == expected
        assert [int(operation(np.int64(code))) for code in codes] == expected


@given(value=st.floats(-1e9, 1e9), fraction=st.integers(-4, 20))
def test_encode_rounds_half_to_even(value: float, fraction: int) -> None:
    assert encode(value, Format(60, fraction, signed=True)) == round(Fraction(value) * Fraction(2) ** fraction)


@pytest.mark.parametrize(
    ("value", "code"),
    [(0.5, 0), (1.5, 2), (2.5, 2), (-0.5, 0), (-1.5, -2), (1e300, 127), (-1e300, -128)],
)
def test_encode(value: float, code: int) -> None:
    assert encode(value, signed(7, 0), overflow="saturate") == code


@pytest.mark.parametrize("overflow", ["raise", "saturate"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_only_finite_numbers_have_a_code(value: float, overflow: Any) -> None:
    with pytest.raises(ValueError, match=r"only a finite number has a code in s7\.0"):
        encode(value, signed(7, 0), overflow=overflow)


@pytest.mark.parametrize("value", [2.0, -2.0625, 1e300])
def test_overflow_names_the_range(value: float) -> None:
    with pytest.raises(ValueError, match=r"does not fit in s1.4, \[-2.0, 1.9375\]"):
        encode(value, signed(1, 4))
