from __future__ import annotations

import random

import pytest
from amaranth.hdl import Shape, Signal, Value
from apytypes import APyFixed, OverflowMode, QuantizationMode

from golden import formats
from golden.formats import Format, Rounding
from hw.lib import fixed
from tests.hw.lib.simulate import evaluate

WIDTH = 5
SHIFTS = range(-3, WIDTH + 4)
FORMATS = [Format(width, 0, signed) for width in (1, 3, 5, 8) for signed in (False, True)]
#: The same modes by apytypes' names.
ROUNDINGS: dict[Rounding, QuantizationMode] = {
    "truncate": QuantizationMode.TO_NEG,
    "half_up": QuantizationMode.TIES_POS,
    "half_even": QuantizationMode.TIES_EVEN,
}


def codes(width: int, signed: bool) -> range:
    fmt = Format(width, 0, signed)
    return range(fmt.low, fmt.high + 1)


def by_apytypes(code: int, shift: int, rounding: Rounding, *, bits: int, overflow: OverflowMode) -> int:
    """code / 2**shift in two's complement of `bits` bits, by the independent oracle."""
    exact = APyFixed(code, bits=WIDTH + 1, frac_bits=shift)
    return int(float(exact.cast(int_bits=bits, frac_bits=0, quantization=ROUNDINGS[rounding], overflow=overflow)))


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_shift_round(rounding: Rounding, signed: bool) -> None:
    vectors = [[code] for code in codes(WIDTH, signed)]

    def build(value: Value) -> list[Value]:
        return [fixed.shift_round(value, shift, rounding) for shift in SHIFTS]

    for (code,), results in zip(vectors, evaluate([Shape(WIDTH, signed)], build, vectors), strict=True):
        for shift, result in zip(SHIFTS, results, strict=True):
            assert result == formats.shift_round(code, shift, rounding), f"{code} / 2**{shift}"
            assert result == by_apytypes(code, shift, rounding, bits=12, overflow=OverflowMode.WRAP)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_shift_round_wide(rounding: Rounding, signed: bool, rng: random.Random) -> None:
    limits = codes(48, signed)
    vectors = [[rng.choice((limits[0], limits[-1], rng.choice(limits)))] for _ in range(200)]
    shifts = [1, 7, 24, 47, 48, 50]

    def build(value: Value) -> list[Value]:
        return [fixed.shift_round(value, shift, rounding) for shift in shifts]

    for (code,), results in zip(vectors, evaluate([Shape(48, signed)], build, vectors), strict=True):
        assert results == [formats.shift_round(code, shift, rounding) for shift in shifts]


@pytest.mark.parametrize("signed", [False, True])
def test_widths(signed: bool) -> None:
    value = Signal(Shape(16, signed))
    assert len(fixed.shift_round(value, -4, "truncate")) == 20
    assert len(fixed.shift_round(value, 4, "truncate")) == 12
    assert len(fixed.shift_round(value, 4, "half_up")) == 13
    assert len(fixed.shift_round(value, 4, "half_even")) == 13
    for fmt in FORMATS:
        for function in (fixed.saturate, fixed.wrap):
            assert function(value, fmt).shape() == fixed.shape_of(fmt)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("width", [1, 4, 5])
def test_saturate_and_wrap(width: int, signed: bool) -> None:
    vectors = [[code] for code in codes(width, signed)]

    def build(value: Value) -> list[Value]:
        return [f(value, fmt) for fmt in FORMATS for f in (fixed.saturate, fixed.wrap)]

    for (code,), results in zip(vectors, evaluate([Shape(width, signed)], build, vectors), strict=True):
        assert results == [f(code, fmt) for fmt in FORMATS for f in (formats.saturate, formats.wrap)]
        for fmt, saturated, wrapped in zip(FORMATS, results[::2], results[1::2], strict=True):
            if fmt.signed:
                for overflow, result in ((OverflowMode.SAT, saturated), (OverflowMode.WRAP, wrapped)):
                    assert result == by_apytypes(code, 0, "truncate", bits=fmt.width, overflow=overflow)


@pytest.mark.parametrize("signed", [False, True])
def test_clip(signed: bool) -> None:
    vectors = [[code] for code in codes(4, signed)]
    limits = [(low, high) for low in range(-10, 17) for high in range(low, 18)]

    def build(value: Value) -> list[Value]:
        return [fixed.clip(value, low, high) for low, high in limits]

    for (code,), results in zip(vectors, evaluate([Shape(4, signed)], build, vectors), strict=True):
        assert results == [formats.clip(code, low, high) for low, high in limits]


@pytest.mark.parametrize("signed", [False, True])
def test_resize(signed: bool) -> None:
    shapes = [Shape(width, kind) for width in (1, 3, 5, 9) for kind in (False, True)]
    vectors = [[code] for code in codes(5, signed)]
    results = evaluate([Shape(5, signed)], lambda v: [fixed.resize(v, shape) for shape in shapes], vectors)
    for (code,), row in zip(vectors, results, strict=True):
        assert row == [formats.wrap(code, Format(shape.width, 0, shape.signed)) for shape in shapes]


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [1, 3, 4])
def test_shift_right_half_up(bits: int, signed: bool) -> None:
    vectors = [[code, shift] for code in codes(6, signed) for shift in range(1, 1 << bits)]
    results = evaluate([Shape(6, signed), bits], lambda v, s: [fixed.shift_right_half_up(v, s)], vectors)
    assert results == [[formats.shift_round(code, shift, "half_up")] for code, shift in vectors]
