"""Verilog of others, as the RTLIL that mapping takes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from golden.errors import InputError
from hw.yosys import YosysError, run_yosys
from sim.kernel.folders import run_folder


def read_verilog(files: Sequence[Path], top: str) -> str:
    """The design below module `top` as RTLIL. Its clock must be called `clk` to be timed.

    Raises:
        InputError: a file is missing, or Yosys does not read the design.
    """
    for file in files:
        if not file.is_file():
            raise InputError(f"--verilog: {file}: no such file")
    if not re.fullmatch(r"[A-Za-z_]\w*", top):
        raise InputError(f"--top must be the name of a module, it is '{top}'")
    with run_folder("read") as folder:
        result = folder / "design.il"
        commands = [
            *(f'read_verilog -sv -defer "{file.resolve()}"' for file in files),
            f"hierarchy -check -top {top}", "proc", "opt_clean", "memory_dff", "opt_clean", f"write_rtlil {result}",
        ]  # fmt: skip
        try:
            run_yosys(commands)
        except YosysError as error:
            lines = [line for line in str(error).splitlines() if "ERROR" in line] or str(error).splitlines()[-1:]
            raise InputError(f"--verilog: {lines[-1].replace('ERROR: ', '')}") from error
        return result.read_text()
