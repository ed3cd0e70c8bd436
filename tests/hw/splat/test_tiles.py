"""Sub-tiles dealt out to lane groups: each to one, neighbours to different ones, in hardware as in Python."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hw.splat.config import Config, default, tiny
from hw.splat.tiles import global_number, place_bits, place_of
from tests.hw.lib.simulate import evaluate

CONFIGS = [tiny(), replace(tiny(), lane_groups=4), default(), replace(default(), lane_groups=8)]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: f"{c.spec.columns}x{c.lane_groups}")
def test_every_tile_has_one_owner(config: Config) -> None:
    """All numbers of all lane groups are the square's sub-tiles; groups of four or more part neighbours."""
    columns = config.spec.columns
    owner = {global_number(config, g, k): g for g in range(config.lane_groups) for k in range(config.places)}
    assert sorted(owner) == list(range(columns**2))
    if config.lane_groups > 1:
        for number, group in owner.items():
            row, column = divmod(number, columns)
            assert column + 1 == columns or owner[number + 1] != group
            assert row + 1 == columns or owner[number + columns] != group


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: f"{c.spec.columns}x{c.lane_groups}")
def test_bits_are_the_numbers(config: Config) -> None:
    """`place_bits` says what `place_of` says."""
    vectors = [(group, local) for group in range(config.lane_groups) for local in range(config.places)]
    shapes = (range(max(config.lane_groups, 2)), range(config.places))
    found = evaluate(shapes, lambda group, local: place_bits(config, group, local), vectors)
    assert [tuple(pair) for pair in found] == [place_of(config, *vector) for vector in vectors]
