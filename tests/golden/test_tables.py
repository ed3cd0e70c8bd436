from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from golden.tables import LinearTable, StepTable

RECIPROCAL = LinearTable(function=lambda x: 1 / x, low=1, span=1, in_bits=11, index_bits=5, out_fraction=12)
TABLES = [
    RECIPROCAL,
    LinearTable(function=math.sqrt, low=1, span=3, in_bits=10, index_bits=6, out_fraction=10),
    LinearTable(function=lambda x: 2**x, low=0, span=1, in_bits=12, index_bits=4, out_fraction=12),
    LinearTable(function=lambda x: 2**-x, low=0, span=1, in_bits=8, index_bits=8, out_fraction=10),
    LinearTable(function=lambda x: 5.0, low=0, span=1, in_bits=4, index_bits=2, out_fraction=3),
    LinearTable(function=lambda x: 3000 * x, low=0, span=1, in_bits=4, index_bits=0, out_fraction=4, slope_bits=6),
]


@pytest.mark.parametrize("table", TABLES)
def test_values_and_error(table: LinearTable) -> None:
    """The error is what the property says, and what rounding and the chords allow."""
    codes = range(1 << table.in_bits)
    exact = [table.function(table.low + table.span * c / len(codes)) * 2.0**table.out_fraction for c in codes]
    values = [table(c) for c in codes]
    assert table.max_error == max(abs(v - e) for v, e in zip(values, exact, strict=True))
    assert table.highest == max(values)
    step = len(codes) >> table.index_bits
    chord = max(
        abs(e - (exact[k - k % step] * (step - k % step) + end(table, exact, k, step) * (k % step)) / step)
        for k, e in enumerate(exact)
    )
    # Half the chord's error (it is balanced), base and product rounded, the slope's last bit.
    slope_error = step * 2.0**-table.slope_shift / 2
    assert table.max_error <= chord / 2 + 1 + slope_error + 1e-6


def end(table: LinearTable, exact: list[float], place: int, step: int) -> float:
    """The exact value at the end of the segment of a place."""
    last = place - place % step + step
    if last < len(exact):
        return exact[last]
    return table.function(table.low + table.span) * 2.0**table.out_fraction


@pytest.mark.parametrize("table", TABLES)
def test_stored_words_fit(table: LinearTable) -> None:
    assert len(table.base) == len(table.slope) == 1 << table.index_bits
    assert min(table.base) >= 0
    assert all(0 <= slope < 1 << table.slope_bits for slope in table.slope)
    assert max(table.slope) == 0 or max(table.slope) >= 1 << (table.slope_bits - 1)
    assert table.falling == (table.function(table.low) > table.function(table.low + table.span))


@pytest.mark.parametrize("table", TABLES)
def test_torch_numpy_and_int_agree(table: LinearTable) -> None:
    expected = [table(code) for code in range(1 << table.in_bits)]
    tensor = torch.arange(1 << table.in_bits)
    index = table.segment(tensor)
    looked_up = table.interpolate(torch.tensor(table.base)[index], torch.tensor(table.slope)[index], tensor)
    assert looked_up.tolist() == expected
    array = np.arange(1 << table.in_bits)
    index = table.segment(array)
    assert table.interpolate(np.array(table.base)[index], np.array(table.slope)[index], array).tolist() == expected


def test_more_segments_are_more_exact() -> None:
    errors = [
        LinearTable(
            function=lambda x: 1 / x, low=1, span=1, in_bits=11, index_bits=bits, out_fraction=20, slope_bits=20
        ).max_error
        for bits in (2, 3, 4, 5)
    ]
    assert all(2.7 < a / b < 4.1 for a, b in pairwise(errors)), errors  # towards 4: quadratic in the segment


@pytest.mark.parametrize("index_bits", [-1, 5])
def test_index_bits(index_bits: int) -> None:
    with pytest.raises(ValueError, match=rf"index_bits must lie in 0..in_bits = 4, it is {index_bits}"):
        LinearTable(function=math.exp, low=0, span=1, in_bits=4, index_bits=index_bits, out_fraction=4)


@pytest.mark.parametrize("offset", [0, 0.5, 1])
def test_step_table(offset: float) -> None:
    table = StepTable(function=math.exp, low=-1, span=2, in_bits=6, out_fraction=9, offset=offset)
    exact = [math.exp(-1 + 2 * (code + offset) / 64) * 512 for code in range(64)]
    assert [table(code) for code in range(64)] == list(table.values) == [round(e) for e in exact]


def test_an_upper_bound() -> None:
    table = StepTable(function=math.sqrt, low=0, span=4, in_bits=8, out_fraction=8, offset=1, round_up=True)
    for fine in range(1 << 12):
        assert table(fine >> 4) >= math.sqrt(4 * fine / (1 << 12)) * 256
    assert max(table(code) - math.sqrt(4 * (code + 1) / 256) * 256 for code in range(256)) < 1
