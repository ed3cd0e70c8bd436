from __future__ import annotations

import math

import pytest

from golden.tables import LinearTable, StepTable
from hw.lib.tables import LinearLookUp, StepLookUp, exp2_table, reciprocal_table, sqrt_table
from tests.hw.lib.simulate import refuses, run_datapath

#: A steep function with few slope bits: the product is shifted left.
STEEP = LinearTable(function=lambda x: 4000 * x, low=0, span=1, in_bits=4, index_bits=2, out_fraction=4, slope_bits=6)


@pytest.mark.parametrize(
    "table",
    [
        *(reciprocal_table(bits) for bits in (3, 8, 12)),
        *(sqrt_table(bits) for bits in (3, 8, 11)),
        *(exp2_table(bits) for bits in (3, 8, 11)),
        STEEP,
        LinearTable(function=lambda x: 9 - x, low=0, span=1, in_bits=5, index_bits=5, out_fraction=3),
    ],
)
def test_linear(table: LinearTable) -> None:
    codes = range(1 << table.in_bits)
    assert run_datapath(LinearLookUp(table=table), codes, latency=4) == [table(code) for code in codes]


@pytest.mark.parametrize(
    "table",
    [
        StepTable(function=lambda x: 2**-x, low=0, span=1, in_bits=8, out_fraction=10),
        StepTable(function=math.sqrt, low=0, span=4, in_bits=6, out_fraction=8, offset=1, round_up=True),
        StepTable(function=lambda x: 0.0, low=0, span=1, in_bits=3, out_fraction=4),
    ],
)
def test_step(table: StepTable) -> None:
    codes = range(1 << table.in_bits)
    assert run_datapath(StepLookUp(table=table), codes, latency=2) == [table(code) for code in codes]


@pytest.mark.parametrize("make", [reciprocal_table, sqrt_table, exp2_table])
@pytest.mark.parametrize("bits", [4, 9, 18])
def test_stated_error(make: object, bits: int) -> None:
    assert make(bits).max_error < 1.5


def test_negative_words() -> None:
    table = StepTable(function=lambda x: x, low=-1, span=2, in_bits=2, out_fraction=4)
    refuses("word 0 must lie in 0..2**4 - 1, it is -12", lambda: run_datapath(StepLookUp(table=table), [0]))
