"""The catalogue lists every block of the composition, as often as it stands in the top."""

from __future__ import annotations

from hw.chips.lumina.catalogue import catalogue
from hw.chips.lumina.config import tiny
from hw.chips.lumina.top import LuminaChip
from tests.hw.lib.instances import assert_counts


def test_counts() -> None:
    assert_counts(catalogue(tiny()), LuminaChip(config=tiny()))
