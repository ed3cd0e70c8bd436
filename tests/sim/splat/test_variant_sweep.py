"""The sweep of the lanes' variants: every one can be drawn, and its row says what it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from golden.splat.spec import DEFAULT
from sim.splat import sweep, variant_sweep, views
from sim.splat.variant_sweep import VARIANTS, VariantRow, markdown, table_error
from tests.golden.splat.scenes import random_scene


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


def test_both_sweeps_draw_what_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """On one small scene: a row for every variant and every width, coarse ones worse, the base the same in both."""
    scene = random_scene(5, 300, thinnest=0.01, widest=0.1)
    monkeypatch.setattr(views, "known_scenes", lambda: ["random"])
    monkeypatch.setattr(views, "load_scene", lambda _: scene)
    monkeypatch.setattr(sweep, "FIELDS", ("power_fraction",))
    monkeypatch.setattr(variant_sweep, "VARIANTS", VARIANTS[:1] + VARIANTS[2:3])
    view = views.Views(24)
    default, centre = variant_sweep.run_sweep(view, lambda _: None)
    assert default.quality[0] > centre.quality[0] + 3 > 20
    swept = sweep.run_sweep(view, lambda _: None)
    assert swept.base == default.quality
    assert list(swept.curve("power_fraction")) == [4, 5, 6, 7, 8]  # 3 leaves too few entries
    assert swept.curve("power_fraction")[4][0] < default.quality[0] - 2
