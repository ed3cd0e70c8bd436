"""The catalogue lists every block of the engine, as often as it stands in the top."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hw.splat.catalogue import catalogue
from hw.splat.config import CONFIGS
from hw.splat.top import SplatEngine
from tests.hw.lib.instances import assert_counts


@pytest.mark.parametrize(("name", "fields"), [("tiny", {}), ("default", {}), ("default", {"fine_units": 2})])
def test_counts(name: str, fields: dict[str, int]) -> None:
    config = replace(CONFIGS[name](), **fields)
    assert_counts(catalogue(config), SplatEngine(config=config))
