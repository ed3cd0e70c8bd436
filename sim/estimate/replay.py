"""Replays a checked run's words at the ports of a mapped netlist, compares every word, counts the nets' changes."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from golden.errors import InputError
from sim.estimate.activity import Vectors, write_vectors
from sim.estimate.bench import EVERY, bench, netlist
from sim.estimate.cell_models import cell_models
from sim.estimate.liberty import Library
from sim.estimate.memory_cell import Memory, behaviour
from sim.estimate.nets import Gates
from sim.estimate.reference import Reference
from sim.kernel.compare import CheckError
from sim.kernel.folders import run_folder
from sim.kernel.runner import SimulationError


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """A netlist that gave every word of the run, and what it did meanwhile. Counts are of the cycles after reset."""

    cycles: int
    words: int  #: compared, of all outputs
    unknown: (
        float  #: share of the output bits, in a sample of cycles, that the netlist did not know: nothing wrote them
    )
    rises: Mapping[int, int]  #: by net
    falls: Mapping[int, int]
    accesses: Mapping[int, tuple[int, int]]  #: of each memory, by number of the gate, reads and writes


def require_icarus() -> str:
    """The path of Icarus Verilog.

    Raises:
        InputError: it is not installed.
    """
    found = shutil.which("iverilog")
    if found is None or shutil.which("vvp") is None:
        raise InputError("energy at gate level needs the program 'iverilog' (Debian package iverilog)")
    return found


def replay(
    gates: Gates, rtl: Reference, library: Library, memories: Mapping[str, Memory], vectors: Vectors
) -> Replayed:  # fmt: skip
    """Plays `vectors` to the netlist and the RTL beside it in Icarus Verilog.

    Args:
        memories: by the names of the cells that stand for them.

    Raises:
        CheckError: an output differs; the message names the first word that does.
        SimulationError: Icarus Verilog failed.
        InputError: a cell has no model, or Icarus Verilog is missing.
    """
    require_icarus()
    placed = {number: memories[gate.kind] for number, gate in enumerate(gates.gates) if gate.kind in memories}
    with run_folder("replay") as folder:
        words, dump = folder / "words.txt", folder / "nets.vcd"
        write_vectors(vectors, words)
        ports = {number: (memory.read_ports, memory.write_ports) for number, memory in placed.items()}
        models = [
            cell_models(library, gates.kinds.keys() - memories.keys()),
            *(behaviour(memory) for memory in set(placed.values())),
            netlist(gates),
            rtl.verilog,
            bench(gates, rtl, words=words, dump=dump, begin=vectors.begin, memories=ports),
        ]
        said = _simulate("\n".join(models), folder)
        verdict = next((line.split() for line in said if line.startswith(("differs", "equal"))), ["nothing"])
        if verdict[0] != "equal":
            raise CheckError(_difference(vectors, verdict))
        rises, falls = _count(dump)
    accesses = {
        int(line.split()[1]): (int(line.split()[2]), int(line.split()[3])) for line in said if line.startswith("memory")
    }
    cycles, unknown = int(verdict[1]), EVERY * int(verdict[2])
    bits = max(sum(port.width for port in vectors.outputs) * cycles, 1)
    return Replayed(
        cycles=cycles, words=len(vectors.outputs) * len(vectors.words), unknown=min(unknown / bits, 1.0), rises=rises,
        falls=falls, accesses=accesses,
    )  # fmt: skip


def _simulate(verilog: str, folder: Path) -> list[str]:
    """The lines that the simulation prints."""
    source, program = folder / "replay.v", folder / "replay.vvp"
    source.write_text(verilog)
    for command in (
        ["iverilog", "-g2005", "-o", str(program), "-s", "replay", str(source)],
        ["vvp", "-n", str(program)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SimulationError(f"{command[0]} failed: {(done.stderr or done.stdout).strip()[-500:]}")
        said = done.stdout
    return said.splitlines()


def _difference(vectors: Vectors, verdict: list[str]) -> str:
    """Which word of which port in which cycle differs first."""
    if verdict[0] != "differs":
        return f"{vectors.instance}: the replay of {vectors.module} ended without a verdict"
    cycle, got, wanted = int(verdict[1]), *verdict[2:]
    place = 0
    for port in vectors.outputs:
        bits = slice(place, place + port.width)
        if any({a, b} == {"0", "1"} for a, b in zip(got[bits], wanted[bits], strict=True)):
            return (
                f"{vectors.instance}: the netlist of {vectors.module} differs in cycle {cycle} at {port.name}: "
                f"expected {wanted[bits]}, got {got[bits]}"
            )
        place += port.width
    raise AssertionError("a word that differs has a bit that does")


def _count(dump: Path) -> tuple[dict[int, int], dict[int, int]]:
    """How often each net rose and fell, by the lines of a dump that has nets of one bit alone."""
    names: dict[str, int] = {}
    with dump.open("rb") as file:
        for line in file:
            words = line.decode().split()
            if words[:1] == ["$var"] and words[4].startswith("n"):
                names.setdefault(words[3], int(words[4][1:]))
            elif words[:1] == ["$dumpvars"]:
                break
        for line in file:  # what the nets begin with is no change
            if line.startswith(b"$end"):
                break
        lines = Counter(file)
    rises, falls = (
        {net: lines[f"{level}{code}\n".encode()] for code, net in names.items()} for level in (1, 0)
    )  # fmt: skip
    return rises, falls
