"""The catalogue lists every block of the engine, as often as it stands in the top."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hw.lod.catalogue import catalogue
from hw.lod.config import CONFIGS, Config, tiny
from hw.lod.top import LodEngine
from tests.hw.lib.instances import assert_counts

CASES = {
    **{name: make() for name, make in CONFIGS.items()},
    "frustum": replace(tiny(), units=3, frustum=1),
    "full searches only": replace(tiny(), units=2, ordered=0, temporal=0),
}


@pytest.mark.parametrize("config", CASES.values(), ids=CASES)
def test_counts(config: Config) -> None:
    assert_counts(catalogue(config), LodEngine(config=config))
