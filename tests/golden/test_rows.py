"""Rows of bit fields: to bytes and back, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden.rows import Field, from_bytes, pack, to_bytes, width_of_row

FIELDS = [Field("a", 5), Field("b", 32, True), Field("c", 1), Field("d", 10, True)]


@given(st.lists(st.tuples(st.integers(0, 31), st.integers(-(2**31), 2**31 - 1), st.integers(-512, 511)), max_size=5))
def test_comes_back(rows: list[tuple[int, int, int]]) -> None:
    a, b, d = (np.array([row[k] for row in rows], np.int64) for k in range(3))
    raw = to_bytes(FIELDS, {"a": a, "b": b, "d": d, "c": 1}, len(rows))
    assert raw.shape == (len(rows), width_of_row(FIELDS) // 8)
    back = from_bytes(FIELDS, raw)
    for name, column in (("a", a), ("b", b), ("d", d), ("c", np.ones(len(rows)))):
        assert np.array_equal(back[name], column)


def test_little_endian_from_bit_zero() -> None:
    assert to_bytes([Field("a", 4), Field("b", 12)], {"a": 1, "b": 0xABC}, 1).tolist() == [[0xC1, 0xAB]]


def test_refuses() -> None:
    with pytest.raises(ValueError, match=r"a must lie in 0..31, it reaches 32..32"):
        to_bytes(FIELDS, {"a": 32}, 1)
    with pytest.raises(ValueError, match=r"d must lie in -512..511"):
        to_bytes(FIELDS, {"d": -513}, 1)
    with pytest.raises(KeyError, match="no field 'e'"):
        to_bytes(FIELDS, {"e": 1}, 1)
    with pytest.raises(ValueError, match="whole number of bytes, it has 5 bits"):
        to_bytes(FIELDS[:1], {}, 1)


def test_packed_rows_are_padded() -> None:
    assert pack(FIELDS[:1], {"a": [3, 4]}, 2).tolist() == [[3, 0], [4, 0]]
    assert pack(FIELDS[:1], {}, 1).tolist() == [[0]]
    with pytest.raises(ValueError, match="fields of 48 bits do not fit a row of 5 bytes"):
        pack(FIELDS, {}, 5)
