"""A board that is not there: the whole host top in Verilator, its UART on a pseudo-terminal."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from amaranth.lib import wiring

from fpga.host_top import HostTop
from fpga.simulated_memory import SimulatedMemory
from sim.kernel.designs import design
from sim.kernel.folders import run_folder
from sim.kernel.jobs import MIN_LOG2_BYTES
from sim.kernel.memory import SOURCES
from sim.kernel.programs import build_program
from sim.kernel.runner import SimulationError

MAIN = Path(__file__).parent / "board_main.cpp"
DIVISOR = 4  # clock cycles of a bit: the fewest that the receiver takes, for the sake of the simulation's speed
LATENCY = 2  # cycles of its memory, as of a block RAM
APPEARS = 30.0  # seconds in which the terminal must be there


def build_board(
    name: str, config: Any, engine: Callable[[], wiring.Component], *, memory_bytes: int = 0
) -> Path:  # fmt: skip
    """The program that is a board with the engine, and with a memory of at least `memory_bytes`.

    Raises:
        SimulationError: it does not build. InputError: a tool is missing.
    """
    width = 8 * config.word_bytes
    log2_bytes = max(MIN_LOG2_BYTES, (memory_bytes - 1).bit_length())
    log2_words = log2_bytes - (config.word_bytes.bit_length() - 1)

    def make() -> HostTop:
        return HostTop(
            name=name, config=config, engine=engine(), memory_bytes=1 << log2_bytes, divisor=DIVISOR,
            memory=SimulatedMemory(width=width, log2_words=log2_words),
        )  # fmt: skip

    top = design(make, f"{name}_board", config, variant={"log2_words": log2_words, "divisor": DIVISOR})
    return build_program(top, MAIN, sources=SOURCES)


@contextmanager
def board(program: Path, *, seed: int = 1) -> Iterator[Path]:
    """Runs the board; gives the path of its serial port.

    Raises:
        SimulationError: it ends before it has one.
    """
    with run_folder("board") as folder:
        port, log = folder / "port", folder / "board.log"
        arguments = [
            str(port),
            str(DIVISOR),
            f"+latency={LATENCY}",
            "+verilator+rand+reset+2",
            f"+verilator+seed+{seed}",
        ]
        with log.open("w") as output, subprocess.Popen([str(program), *arguments], stdout=output, stderr=output) as run:
            try:
                _await_port(run, port, log)
                yield port
            finally:
                run.terminate()
                run.wait()


def _await_port(run: subprocess.Popen, port: Path, log: Path) -> None:
    deadline = time.monotonic() + APPEARS
    while not port.exists():
        if run.poll() is not None or time.monotonic() > deadline:
            said = log.read_text(errors="replace").strip()
            raise SimulationError(f"the simulated board does not start: {said or 'it says nothing'}")
        time.sleep(0.01)
