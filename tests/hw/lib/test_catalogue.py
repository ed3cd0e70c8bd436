from __future__ import annotations

from pathlib import Path

import pytest

from hw.lib.catalogue import catalogue
from tests.hw.readers import converted, verilator


@pytest.mark.parametrize("name", catalogue())
def test_converts_and_lints(name: str, tmp_path: Path) -> None:
    """Amaranth, Yosys and Verilator accept every primitive without a warning."""
    converted(catalogue()[name](), name, tmp_path)


@pytest.mark.parametrize(
    ("fault", "warning"),
    [
        ("wire a; assign o = a & i; assign a = o | i;", "UNOPTFLAT"),
        ("always @(posedge i) o <= 0; always @(negedge i) o <= 1;", "MULTIDRIVEN"),
        ("always @* if (i) o = 1;", "LATCH"),
    ],
)
def test_the_lint_finds_faults(fault: str, warning: str, tmp_path: Path) -> None:
    kind = "reg" if "always" in fault else "wire"
    verilog = tmp_path / "faulty.v"
    verilog.write_text(f"module faulty(input i, output {kind} o); {fault} endmodule\n")
    with pytest.raises(AssertionError, match=warning):
        verilator(verilog)
