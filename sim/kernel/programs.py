"""Simulators with a C++ main program of their own, in place of cocotb."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from hw.generate import Generated
from sim.kernel.runner import MAKE_VARIABLES, build_once, tool_environment

FLAGS = ("-O3", "--x-assign", "fast", "--x-initial", "unique", "--no-assert-case")


def build_program(design: Generated, main: Path, *, sources: Sequence[Path] = ()) -> Path:
    """The program of `design`, whose model is the class `Vtop` of `Vtop.h`, and the C++ file `main`.

    Args:
        sources: further Verilog files.

    Raises:
        SimulationError: it does not build. InputError: a tool is missing.
    """

    def make(folder: Path) -> None:
        command = ["verilator", "--cc", "--exe", "--prefix", "Vtop", "-o", "program", "--Mdir", str(folder)]
        files = [folder / "control.vlt", folder / "design.v", *sources, main]
        with tool_environment(), (folder / "build.log").open("w") as log:
            for line in (
                [*command, *FLAGS, "--top-module", design.name, "--timescale", "1ns/1ps", *map(str, files)],
                ["make", "-C", str(folder), "-f", "Vtop.mk", *MAKE_VARIABLES],
            ):
                subprocess.run(line, stdout=log, stderr=log, check=True)

    texts = [*(path.read_text() for path in (main, *sources)), repr((FLAGS, MAKE_VARIABLES))]
    return build_once(design, texts, make) / "program"
