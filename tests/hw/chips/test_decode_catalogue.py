from __future__ import annotations

from pathlib import Path

import pytest

from hw.chips.decode.catalogue import catalogue
from tests.hw.readers import converted


@pytest.mark.parametrize("name", catalogue())
def test_converts_and_lints(name: str, tmp_path: Path) -> None:
    """Amaranth, Yosys and Verilator accept every block without a warning."""
    converted(catalogue()[name](), name, tmp_path)
