from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from hw.chips.decode.catalogue import catalogue
from hw.generate import generate
from tests.hw.readers import verilator


@pytest.mark.parametrize("name", catalogue())
def test_converts_and_lints(name: str, tmp_path: Path) -> None:
    """Amaranth and Verilator accept every block without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        design = generate(catalogue()[name](), name)
    verilog = tmp_path / f"{name}.v"
    verilog.write_text(design.verilog)
    verilator(verilog)
