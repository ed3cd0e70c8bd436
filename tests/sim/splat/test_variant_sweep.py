"""The sweep of the lanes' variants: every one can be drawn, and its row says what it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from golden.splat.spec import DEFAULT
from sim.splat.variant_sweep import VARIANTS, VariantRow, markdown, table_error


def test_every_variant_is_a_spec_of_its_own() -> None:
    """None is refused, none stands twice, the first is the default."""
    specs = [replace(DEFAULT, **changes) for changes in VARIANTS]
    assert specs[0] == DEFAULT
    assert len(set(specs)) == len(specs)


@pytest.mark.parametrize(
    ("entries", "lines", "low", "high"),
    [(64, 0, 0.0, 0.001), (8, 0, 0.035, 0.045), (16, 0, 0.015, 0.022), (8, 1, 0.0005, 0.0025), (32, 1, 0.0, 0.002)],
)
def test_table_error(entries: int, lines: int, low: float, high: float) -> None:
    """Half a step of a constant table, a sixteenth of a step's square of a linear one, and alpha's rounding."""
    assert low <= table_error(replace(DEFAULT, exp_entries=entries, exp_linear=lines)) <= high


def test_a_row() -> None:
    """Its changes, its table's error, and a figure for each scene."""
    row = VariantRow(changes={"exp_entries": 8, "exp_linear": 1}, table_error=0.0123, quality=[50.0, 41.25])
    assert "| `exp_entries=8`, `exp_linear=1` | 1.23% | 50.00 | 41.25 |" in markdown("PSNR", ["a", "b"], [row])
