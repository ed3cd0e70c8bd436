"""The memory map: rows are whole, and every code comes back from its place."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from golden.rows import Field, pack
from golden.splat.memory_map import (
    COARSE_BYTES,
    GROUP,
    GROUP_BYTES,
    HEADER,
    HEADER_BYTES,
    LINE_BYTES,
    ORDERED,
    PLACE,
    PLACE_BYTES,
    VIEW,
    VIEW_BYTES,
    VOXEL,
    VOXEL_ALIGN,
    VOXEL_BYTES,
    coarse_half,
    record,
    record_bytes,
)
from golden.splat.spec import DEFAULT, TINY, Spec
from tests.golden.splat.rows import unpack

NARROW = replace(DEFAULT, position_bits=8, quaternion_bits=6, scale_bits=8, opacity_bits=6, dc_bits=8, sh_bits=4)
SPECS = {"default": DEFAULT, "tiny": TINY, "narrow": NARROW}


def tables(spec: Spec) -> dict[str, tuple[list[Field], int]]:
    return {
        "header": (HEADER, HEADER_BYTES),
        "group": (GROUP, GROUP_BYTES),
        "view": (VIEW, VIEW_BYTES),
        "place": (PLACE, PLACE_BYTES),
        "voxel": (VOXEL, VOXEL_BYTES),
        "ordered": (ORDERED, VOXEL_BYTES),
        "coarse half": (coarse_half(spec), COARSE_BYTES),
        **{f"record of degree {degree}": (record(spec, degree), record_bytes(degree)) for degree in range(4)},
    }


def bits_of(fields: list[Field]) -> int:
    return sum(field.width for field in fields)


@pytest.mark.parametrize("name", SPECS)
def test_rows_are_whole(name: str) -> None:
    """Rows of which a memory word can hold several fill their bytes; all fit, and none crosses a line."""
    spec = SPECS[name]
    for title, (fields, size) in tables(spec).items():
        assert len({field.name for field in fields}) == len(fields), title
        assert all(1 <= field.width <= 32 for field in fields if field.name != "spare"), title
        assert bits_of(fields) <= 8 * size, title
        assert LINE_BYTES % size == 0 or size % LINE_BYTES == 0, title
        if title in ("voxel", "ordered", "coarse half"):
            assert bits_of(fields) == 8 * size, title
    assert VOXEL_ALIGN * COARSE_BYTES == LINE_BYTES
    assert [record_bytes(degree) for degree in range(4)] == [32, 32, 64, 64]


@pytest.mark.parametrize("name", SPECS)
def test_every_field_comes_back(name: str, seed: int) -> None:
    rng = random.Random(seed)
    for fields, size in tables(SPECS[name]).values():
        used = [field for field in fields if field.name != "spare"]
        codes: dict[str, list[int]] = {}
        for field in used:
            low, high = (-(1 << (field.width - 1)) if field.signed else 0), (1 << (field.width - field.signed)) - 1
            codes[field.name] = [low, high, *(rng.randint(low, high) for _ in range(20))]
            rng.shuffle(codes[field.name])
        rows = pack(fields, {name: np.array(values) for name, values in codes.items()}, size)
        assert rows.shape == (22, size)
        for k, raw in enumerate(rows):
            got = unpack(fields, raw)
            assert got.pop("spare", 0) == 0
            assert got == {name: values[k] for name, values in codes.items()}


def test_one_value_for_all_rows_and_missing_fields() -> None:
    fields = [Field("a", 3), Field("b", 5, True), Field("c", 8)]
    rows = pack(fields, {"a": 5, "c": np.array([1, 2, 3])}, 4)
    assert rows.tolist() == [[5, 1, 0, 0], [5, 2, 0, 0], [5, 3, 0, 0]]


@pytest.mark.parametrize(("low", "high", "signed"), [(0, 15, False), (-8, 7, True)])
def test_codes_that_do_not_fit(low: int, high: int, signed: bool) -> None:
    fields = [Field("x", 4, signed)]
    for code in (low - 1, high + 1):
        with pytest.raises(ValueError, match=f"x must lie in {low}..{high}, it reaches"):
            pack(fields, {"x": np.array([0, code])}, 1)
    assert len(pack(fields, {"x": np.array([low, high])}, 1)) == 2


def test_fields_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="fields of 9 bits do not fit a row of 1 bytes"):
        pack([Field("x", 9)], {}, 1)
