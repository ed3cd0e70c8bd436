"""Layouts of every kind, walked, packed and cut."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from amaranth.hdl import signed
from amaranth.lib import data

from hw.lib.fields import fields_of_layout, pack, unpack, unpack_fields, unpack_nested

INNER = data.StructLayout({"flag": 1, "value": signed(5)})
LAYOUT = data.StructLayout(
    {
        "low": 3,
        "inner": INNER,
        "pairs": data.ArrayLayout(INNER, 2),
        "whole": signed(70),
        "numbers": data.ArrayLayout(4, 3),
    }
)
NESTED = {
    "low": 5,
    "inner": {"flag": 1, "value": -16},
    "pairs": [{"flag": 0, "value": 15}, {"flag": 1, "value": -1}],
    "whole": -(1 << 69),
    "numbers": [1, 2, 15],
}
FLAT = {
    "low": 5, "inner.flag": 1, "inner.value": -16, "pairs.0.flag": 0, "pairs.0.value": 15, "pairs.1.flag": 1,
    "pairs.1.value": -1, "whole": -(1 << 69), "numbers.0": 1, "numbers.1": 2, "numbers.2": 15,
}  # fmt: skip


def test_fields_lie_where_amaranth_puts_them() -> None:
    """A value built by Amaranth's own `const` is cut into the values it was built from."""
    bits = LAYOUT.const(NESTED).as_value().value
    assert unpack(bits, LAYOUT) == FLAT
    assert unpack_nested(bits, LAYOUT) == NESTED
    assert pack(LAYOUT, NESTED) == bits


def test_places_are_absolute_and_in_order() -> None:
    """Offsets add up along the path; the fields cover the payload without gap."""
    fields = fields_of_layout(LAYOUT)
    assert [f.name for f in fields] == list(FLAT)
    assert ("pairs.1.value", 16, 5, True) in fields
    assert sum(f.width for f in fields) == LAYOUT.size
    assert all(a.offset + a.width == b.offset for a, b in pairwise(fields))


def test_a_plain_shape_is_one_field_without_a_name() -> None:
    assert fields_of_layout(signed(7)) == [("", 0, 7, True)]
    assert unpack(0b1100, signed(4)) == {"": -4}
    assert unpack_nested(0b1100, 4) == 12


def test_a_field_of_no_bits_is_zero() -> None:
    layout = data.StructLayout({"a": 4, "none": range(1)})
    assert unpack(0b1010, layout) == {"a": 10, "none": 0}
    assert pack(layout, {"a": 10, "none": 0}) == 10


def test_overlapping_fields_are_cut_from_the_same_bits() -> None:
    """A union's members share bit 0 upwards."""
    assert unpack(0x9A, data.UnionLayout({"byte": 8, "nibble": signed(4)})) == {"byte": 0x9A, "nibble": -6}


def test_fields_from_a_file_serve_as_well(seed: int) -> None:
    """Benches read them from JSON, where a named tuple has become a list."""
    bits = random.Random(seed).getrandbits(LAYOUT.size)
    again = [type(f)(*list(f)) for f in fields_of_layout(LAYOUT)]
    assert unpack_fields(bits, again) == unpack(bits, LAYOUT)


def test_random_bits_survive_the_way_there_and_back(seed: int) -> None:
    rng = random.Random(seed)
    for bits in (rng.getrandbits(LAYOUT.size) for _ in range(200)):
        assert pack(LAYOUT, unpack_nested(bits, LAYOUT)) == bits


@pytest.mark.parametrize("value", [{"flag": 1}, {"flag": 1, "value": 0, "more": 0}])
def test_a_missing_or_unknown_field_is_refused(value: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"fields must be \['flag', 'value'\], they are \['flag'"):
        pack(INNER, value)


def test_a_list_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match=r"fields must be \[0, 1, 2\], they are \[0, 1\]"):
        pack(data.ArrayLayout(4, 3), [1, 2])
