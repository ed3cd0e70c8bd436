"""The catalogue lists every block of the engine, as often as it stands in the top."""

from __future__ import annotations

import pytest

from hw.radiance.catalogue import catalogue
from hw.radiance.config import CONFIGS
from hw.radiance.top import RadianceEngine
from tests.hw.lib.instances import assert_counts


@pytest.mark.parametrize("name", CONFIGS)
def test_counts(name: str) -> None:
    config = CONFIGS[name]()
    assert_counts(catalogue(config), RadianceEngine(config=config))
