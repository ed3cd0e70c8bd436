"""Integer operations on tensors against Python's own integers."""

from __future__ import annotations

from fractions import Fraction

import torch
from hypothesis import given
from hypothesis import strategies as st

from golden.integers import bit_length, look_up, normalise, shift_half_up, step_look_up
from golden.tables import LinearTable, StepTable


@given(value=st.integers(0, 2**53 - 1))
def test_bit_length(value: int) -> None:
    """The number of bits of every value that a double holds."""
    assert int(bit_length(torch.tensor([value]))) == value.bit_length()


@given(value=st.integers(0, 2**31 - 1), bits=st.integers(2, 31))
def test_normalise(value: int, bits: int) -> None:
    """The leading one moves to the top; what falls off below is cut."""
    top, zeros = normalise(torch.tensor([value]), 31, bits)
    length = max(value.bit_length(), 1)
    assert int(zeros) == 31 - length
    assert int(top) == (value << (31 - length)) >> (31 - bits)


@given(cases=st.lists(st.tuples(st.integers(-(2**60), 2**60), st.integers(1, 61)), min_size=1, max_size=20))
def test_shift_half_up(cases: list[tuple[int, int]]) -> None:
    """Every value by its own shift; halves go up, below zero as well."""
    value, shift = torch.tensor(cases).unbind(-1)
    wanted = [(Fraction(v, 1 << s) + Fraction(1, 2)).__floor__() for v, s in cases]
    assert shift_half_up(value, shift).tolist() == wanted


def test_look_up() -> None:
    """A tensor of codes gives what the tables give for each code by itself."""
    linear = LinearTable(function=lambda x: 1 / x, low=1, span=1, in_bits=10, index_bits=4, out_fraction=12)
    steps = StepTable(function=lambda x: 2**x, low=0, span=1, in_bits=6, out_fraction=12, offset=0)
    codes = torch.arange(1 << 10)
    assert look_up(linear, codes).tolist() == [linear(code) for code in range(1 << 10)]
    assert step_look_up(steps, codes[:64]).tolist() == list(steps.values)
