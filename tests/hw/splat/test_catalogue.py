"""The catalogue lists every block of the engine, as often as it stands in the top."""

from __future__ import annotations

from dataclasses import replace

import pytest

from golden.splat.spec import TINY
from hw.splat.catalogue import catalogue
from hw.splat.config import CONFIGS, tiny
from hw.splat.top import SplatEngine
from tests.hw.lib.instances import assert_counts


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("tiny", {}),
        ("default", {}),
        ("default", {"fine_units": 2}),
        ("paper", {"fine_units": 2}),
        ("tiny", {"lane_share": 2}),
        ("tiny", {"shared_sort": 1}),
        ("nano", {}),
    ],
)  # fmt: skip
def test_counts(name: str, fields: dict[str, int]) -> None:
    config = replace(CONFIGS[name](), **fields)
    assert_counts(catalogue(config), SplatEngine(config=config))


@pytest.mark.parametrize("check", ["quad_any", "quad_centre"])
def test_counts_with_checks_of_blocks(check: str) -> None:
    config = replace(tiny(), spec=replace(TINY, alpha_check=check))
    blocks = catalogue(config)
    assert blocks["quad_check"].count == blocks["pixel_lane"].count // 4
    assert_counts(blocks, SplatEngine(config=config))
