"""The longest path of every unit: by OpenSTA over the mapped netlists, by abc's own estimate where there is none."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from sim.estimate.gates import module_name
from sim.estimate.mapping import Mapped, MappedUnit
from sim.estimate.memory_cell import Memory
from sim.estimate.memory_liberty import memory_liberty
from sim.estimate.memory_model import Cost
from sim.estimate.timed_netlist import SUFFIX, WHOLE, between_registers, load, trimmed
from sim.kernel.console import bar
from sim.kernel.files import write_text
from sim.kernel.folders import run_folder

PROGRAM = "sta"
PACKAGE = "apt install opensta"
#: By how much static timing's period exceeds abc's path, which has neither clock-to-output nor set-up nor what lies
#: beyond a unit's border: 1.15 in the median of 26 units of radiance and lod in Nangate45, 1.13 and 1.25 for the whole.
ABC_SHORT = 1.2
VERSION = 1  #: of what is kept
_PERIOD_NS = 1000.0
_NUMBER = r"(-?[0-9.]+)"
_SLACK = re.compile(rf"^ *{_NUMBER} +slack", re.M)
_START, _END = (re.compile(rf"^{word}: (\S+)", re.M) for word in ("Startpoint", "Endpoint"))
_STEP = re.compile(rf"^ *{_NUMBER} +{_NUMBER} [v^] (\S+) \((\S+)\)$", re.M)


class TimingError(RuntimeError):
    """OpenSTA failed; the message is its last line."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Of a unit."""

    period_ns: float  #: the shortest, with an ideal clock and without wires
    start: str  #: register or memory where the longest path begins
    end: str
    cells: int  #: gates on it, the register that it begins at among them
    by: str  #: OpenSTA or abc


def installed() -> bool:
    """Whether there is a program of OpenSTA."""
    return shutil.which(PROGRAM) is not None


def time_units(
    mapped: Mapped, costs: Mapping[Memory, Cost], folder: Path, *, workers: int = 2
) -> dict[str, Timing | None]:
    """By unit its timing, with all that lies below it; None for one without a path. Results are kept in `folder`.

    Raises:
        TimingError: OpenSTA failed.
    """
    if not installed():
        return {name: _by_abc(unit) for name, unit in mapped.units.items()}

    with ThreadPoolExecutor(workers) as pool, bar(f"timing {mapped.name}", len(mapped.units)) as advance:

        def timed(name: str) -> Timing | None:
            result = _kept(mapped, name, costs, folder)
            advance()
            return result

        return dict(zip(mapped.units, pool.map(timed, mapped.units), strict=True))


def _by_abc(unit: MappedUnit) -> Timing | None:
    if not unit.abc_ps:
        return None
    return Timing(period_ns=unit.abc_ps * ABC_SHORT / 1000, start="", end="", cells=0, by="abc")


def _kept(mapped: Mapped, name: str, costs: Mapping[Memory, Cost], folder: Path) -> Timing | None:
    """The unit's timing, or what was kept of it."""
    units = _below(mapped.units, name)
    memories = {memory: costs[memory] for unit in units for memory in sorted(unit.memories)}
    parts = [trimmed(unit) for unit in units]
    parts += [load(mapped.units[child], mapped.technology) for child in _repeated(units)]
    text = "".join([*parts, between_registers(mapped.units[name], mapped.technology)])
    pin_ff = 1e15 * max(pin.capacitance_f for pin in mapped.technology.flip_flop.pins.values())
    rams = memory_liberty(memories, pin_ff)
    key = hashlib.sha256(f"{VERSION} {mapped.technology.digest} {rams} {text}".encode()).hexdigest()[:20]
    path = folder / f"{key}.timing.json"
    if not path.exists():
        timing = _run(mapped.technology.slim, rams, text, module_name(name) + SUFFIX)
        write_text(path, json.dumps(timing and asdict(timing)))
    kept = json.loads(path.read_text())
    return kept and Timing(**kept)


def _below(units: Mapping[str, MappedUnit], name: str) -> list[MappedUnit]:
    """The unit and all that stand in it, each once."""
    found: dict[str, MappedUnit] = {}

    def visit(child: str) -> None:
        if child not in found:
            found[child] = units[child]
            for inner in units[child].children:
                visit(inner)

    visit(name)
    return list(found.values())


def _repeated(units: list[MappedUnit]) -> list[str]:
    return list(dict.fromkeys(child for unit in units for child, n in unit.children.items() if n > WHOLE))


def _run(library: Path, memories: str, verilog: str, top: str) -> Timing | None:
    with run_folder("sta") as folder:
        for name, text in (("memories.lib", memories), ("unit.v", verilog), ("run.tcl", _commands(library, top))):
            (folder / name).write_text(text)
        done = subprocess.run(
            [PROGRAM, "-no_splash", "-exit", "run.tcl"], capture_output=True, text=True, check=False, cwd=folder
        )
    printed = done.stdout + done.stderr
    failed = [line for line in printed.splitlines() if line.startswith("Error")]
    if done.returncode or failed:
        raise TimingError(f"{top}: OpenSTA: {(failed or printed.splitlines() or ['no output'])[-1]}")
    return _timing(printed)


def _commands(library: Path, top: str) -> str:
    return "\n".join(
        (
            f"read_liberty {library}",
            "read_liberty memories.lib",
            "read_verilog unit.v",
            f"link_design {top}",
            "set_cmd_units -time ns",
            f"create_clock -name clk -period {_PERIOD_NS} [get_ports clk]",
            "report_checks -path_delay max -format full -digits 4",
            "",
        )
    )


def _timing(printed: str) -> Timing | None:
    slack, start, end = _SLACK.search(printed), _START.search(printed), _END.search(printed)
    if not (slack and start and end):
        return None
    return Timing(
        period_ns=round(_PERIOD_NS - float(slack[1]), 4),
        start=_readable(start[1]),
        end=_readable(end[1]),
        cells=len(_STEP.findall(printed)) - 2,  # neither the clock pin at its begin nor the data pin at its end
        by="OpenSTA",
    )


def _readable(place: str) -> str:
    """A register's name below the unit; `port` for those that stand around it."""
    return "port" if place.startswith("port") else place.removeprefix("unit/")
