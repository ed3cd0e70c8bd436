"""The catalogue lists every block of the engine, as often as it stands in the top."""

from __future__ import annotations

import pytest

from hw.splat.catalogue import catalogue
from hw.splat.config import CONFIGS
from hw.splat.top import SplatEngine
from tests.hw.lib.instances import assert_counts


@pytest.mark.parametrize("name", ["tiny", "default"])
def test_counts(name: str) -> None:
    config = CONFIGS[name]()
    assert_counts(catalogue(config), SplatEngine(config=config))
