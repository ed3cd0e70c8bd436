from __future__ import annotations

from pathlib import Path

import pytest

from hw.bus.catalogue import catalogue
from tests.hw.readers import converted

INSIDE_OTHERS = ("burst_gather", "write_ledger")


@pytest.mark.parametrize("name", [name for name in catalogue() if name not in INSIDE_OTHERS])
def test_converts_and_lints(name: str, tmp_path: Path) -> None:
    """Amaranth, Yosys and Verilator accept every unit without a warning."""
    converted(catalogue()[name](), name, tmp_path)
