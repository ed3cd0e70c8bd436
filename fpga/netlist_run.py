"""A board's netlist in simulation: the very cells that are placed, with models of what Yosys instantiates."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pyosys

from fpga.boards import Board
from fpga.synthesis import TOP
from golden.errors import InputError
from hw.generate import ROOT
from sim.kernel.runner import SimulationError

SHARE = Path(pyosys.__file__).parent / "share" / "ecp5"
YOSYS_MODELS = tuple(SHARE / name for name in ("common_sim.vh", "ccu2c_sim.vh", "cells_ff.vh"))
OWN_SOURCES = tuple(ROOT / "fpga" / name for name in ("ecp5_cells.v", "self_test_bench.v"))
LINE = re.compile(r"^tessera .*$", re.MULTILINE)


@cache
def _models() -> dict[str, str]:
    """Yosys's models of cells, each as it stands in its file."""
    text = "\n".join(path.read_text() for path in YOSYS_MODELS)
    return {found[1]: found[0] for found in re.finditer(r"^module\s+(\w+).*?\bendmodule\b", text, re.S | re.M)}


def cell_models(netlist: str) -> str:
    """Verilog of Yosys's models that a netlist needs, and of those that they need.

    The files that hold them are not taken whole: Icarus does not read all of them.
    """
    wanted, taken = [netlist], dict[str, str]()
    while wanted:
        text = wanted.pop()
        for name, model in _models().items():
            if name not in taken and re.search(rf"\b{name}\s+[#\\\w]", text):
                taken[name] = model
                wanted.append(model)
    return "\n".join(taken.values())


def run_netlist(netlist: str, board: Board, folder: Path, *, cycles: int) -> str:
    """Runs a self-test's netlist in Icarus from power-up, and returns the first line that it sends.

    Whatever the netlist gives no value at power-up is unknown, and stays so as far as it goes.

    Args:
        netlist: Verilog of cells, with the pins that `board` has. folder: for what is made; made if need be.
        cycles: of the board's clock, after which the line is not waited for.

    Raises:
        SimulationError: no whole line has come, or one with unknown bits. InputError: Icarus is not installed.
    """
    if shutil.which("iverilog") is None:
        raise InputError("a netlist's simulation needs the program 'iverilog' (Debian package iverilog)")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {"netlist.v": netlist, "cells.v": cell_models(netlist)}.items():
        (folder / name).write_text(text)
    macros = {
        "TOP": TOP, "CLOCK": f"{board.platform().default_clk}_0__io", "SEND": "uart_0__tx__io",
        "DIVISOR": board.divisor, "CYCLES": cycles,
    }  # fmt: skip
    defines = (f"-D{name}={value}" for name, value in macros.items())
    _run(folder, "iverilog", "-g2012", "-s", "self_test_bench", *defines, "-o", "netlist.vvp",
         "netlist.v", "cells.v", *OWN_SOURCES)  # fmt: skip
    told = _run(folder, "vvp", "-n", "netlist.vvp")
    line = LINE.search(told)
    if line is None:
        raise SimulationError(f"the netlist of {board.name} sends no line: {' '.join(told.split())[:200]}")
    return line[0]


def _run(folder: Path, *command: object) -> str:
    done = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, errors="replace", check=False, cwd=folder
    )
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-10:])
        raise SimulationError(f"{command[0]} fails in {folder}:\n{tail}")
    return done.stdout
