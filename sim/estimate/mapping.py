"""A design mapped to the cells of a technology: unit by unit, each once, and kept by the hash of what it is made from.

The way of a unit: Yosys' coarse synthesis, large memories kept (`hierarchy.MACRO`), operators to gates, flip-flops to
those of the library, gates by abc, and the netlist written here. abc's own script takes 300 s for 70,000 cells (splat's
covariance), the one here 20 s.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

from hw.lib.memory import open_collisions
from hw.yosys import run_yosys
from sim.estimate.fanout import buffer_nets
from sim.estimate.gates import module_name, netlist
from sim.estimate.hierarchy import MACRO, SMALL, Unit, split
from sim.estimate.memory_cell import Memory
from sim.estimate.technology import Technology
from sim.kernel.console import bar
from sim.kernel.files import write_text
from sim.kernel.folders import run_folder

#: For abc: structural choices, mapping for delay, buffers by load, then drive strengths for the period.
_ABC = "strash;&get -n;&st;&dch -f;&nf;&put;buffer;topo;stime -p;upsize -D {0};dnsize -D {0};stime -p"
#: Makes memories that give new words from those that give old ones.
_BYPASS = Path(__file__).with_name("bypass.v")
_DELAY = re.compile(r"Delay = *([0-9.]+) ps")
VERSION = 3  #: of what is kept; one more when the same unit would be mapped to other cells or another netlist


@dataclass(frozen=True, kw_only=True)
class MappedUnit:
    """A unit as cells."""

    name: str  #: of the module in the design
    verilog: Path  #: the module alone
    cells: Counter[str]  #: of the unit itself
    memories: Counter[Memory]  #: of the unit itself
    children: Counter[str]  #: units right below it
    ports: dict[str, tuple[str, int]]  #: direction and width
    abc_ps: float  #: abc's estimate of the longest path between registers, without clock-to-output and set-up


@dataclass(frozen=True, kw_only=True)
class Mapped:
    """A design as cells."""

    name: str  #: of the top module in the netlist
    technology: Technology
    netlist: Path  #: structural Verilog: modules of cells of the library, of memories and of one another
    cells: Counter[str]  #: of the whole design
    memories: list[Memory]  #: of the whole design, each as often as it stands there
    area_um2: float  #: of all cells, without memories
    units: dict[str, MappedUnit] = field(repr=False)  #: by name, those below before those above

    @property
    def counts(self) -> Counter[str]:
        """How often each unit stands in the design."""
        counts: Counter[str] = Counter({list(self.units)[-1]: 1})
        for unit in reversed(self.units.values()):
            for child, number in unit.children.items():
                counts[child] += number * counts[unit.name]
        return counts


def map_block(
    rtlil: str, name: str, technology: Technology, folder: Path, *, workers: int = 2, flat: bool = False,
    done: Callable[[str], None] = lambda _: None,
) -> Mapped:  # fmt: skip
    """Maps a design. Its netlist and those of its units are kept in `folder`.

    Args:
        rtlil: the design, as `hw.generate` or Yosys writes it.
        name: its top module.
        workers: processes of Yosys at a time.
        flat: as one module; slower, to see what the borders between units cost.
        done: called with a unit's name after it is mapped or found.

    Raises:
        InputError: the technology lacks what is needed, or a cell of the design has no counterpart.
        YosysError: Yosys or abc failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    technology.slim.exists()  # made here, once, and not by several workers
    units = split(open_collisions(rtlil), name, small=inf if flat else SMALL)

    largest_first = sorted(units.values(), key=lambda unit: -len(unit.rtlil))
    with ThreadPoolExecutor(workers) as pool, bar(f"mapping {name}", len(units)) as advance:

        def mapped(unit: Unit) -> MappedUnit:
            result = map_unit(unit, technology, folder)
            advance()
            done(unit.name)
            return result

        by_name = {unit.name: unit for unit in pool.map(mapped, largest_first)}
    return _assemble(module_name(name), technology, {unit: by_name[unit] for unit in units}, folder)


def _assemble(name: str, technology: Technology, units: dict[str, MappedUnit], folder: Path) -> Mapped:
    text = "".join(unit.verilog.read_text() for unit in units.values())
    path = folder / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.v"
    if not path.exists():
        write_text(path, text)
    mapped = Mapped(
        name=name, technology=technology, netlist=path, cells=Counter(), memories=[], area_um2=0, units=units
    )
    counts = mapped.counts
    cells: Counter[str] = Counter()
    memories: Counter[Memory] = Counter()
    for unit in units.values():
        for kind, number in unit.cells.items():
            cells[kind] += number * counts[unit.name]
        for memory, number in unit.memories.items():
            memories[memory] += number * counts[unit.name]
    return Mapped(
        name=name,
        technology=technology,
        netlist=path,
        cells=cells,
        memories=sorted(memories.elements()),
        area_um2=cell_area(cells, technology),
        units=units,
    )


def cell_area(cells: Mapping[str, int], technology: Technology) -> float:
    """Of so many cells, in µm²."""
    return sum(technology.library.cells[kind].area_um2 * number for kind, number in cells.items())


def map_unit(unit: Unit, technology: Technology, folder: Path) -> MappedUnit:
    """Maps one unit, or takes what was kept of it."""
    key = hashlib.sha256(f"{VERSION} {_ABC} {technology.digest} {unit.rtlil}".encode()).hexdigest()[:20]
    verilog, facts = folder / f"{key}.v", folder / f"{key}.json"
    if not facts.exists():
        _map(unit, technology, verilog, facts)
    return _read(unit.name, verilog, json.loads(facts.read_text()))


def _map(unit: Unit, technology: Technology, verilog: Path, facts: Path) -> None:
    with run_folder(f"map-{module_name(unit.name)}") as folder:
        (folder / "unit.il").write_text(unit.rtlil)
        (folder / "abc").write_text(_ABC.format(technology.period_ps) + "\n")
        (folder / "constr").write_text(_constraints(technology))
        log = run_yosys(_script(unit.name, technology, folder))
        modules = json.loads((folder / "mapped.json").read_text())["modules"]
    buffer_nets(modules[unit.name]["cells"], modules, technology)
    found = netlist(unit.name, modules[unit.name], technology.library.cells, unit.children)
    delays = [float(text) for text in _DELAY.findall(log)]
    write_text(verilog, found.verilog)
    kept = {
        "cells": found.cells,
        "memories": [[number, *vars(memory).values()] for memory, number in found.memories.items()],
        "children": unit.children,
        "ports": found.ports,
        "abc_ps": delays[-1] if delays else 0.0,
    }
    write_text(facts, json.dumps(kept))


def _read(name: str, verilog: Path, facts: dict[str, Any]) -> MappedUnit:
    return MappedUnit(
        name=name,
        verilog=verilog,
        cells=Counter(facts["cells"]),
        memories=Counter({Memory(*shape): number for number, *shape in facts["memories"]}),
        children=Counter(facts["children"]),
        ports={port: (way, width) for port, (way, width) in facts["ports"].items()},
        abc_ps=facts["abc_ps"],
    )


def _script(name: str, technology: Technology, folder: Path) -> Sequence[str]:
    """The commands for Yosys."""
    library = technology.slim
    return (
        f"read_rtlil {folder / 'unit.il'}",
        f"hierarchy -top {name}",
        f"synth -flatten -top {name} -run begin:fine",
        "opt -fast -full",
        f"memory_map -attr !{MACRO}",
        f"techmap -autoproc -map {_BYPASS}",
        "opt -undriven -fine",
        "techmap",
        "opt -fast",
        f"dfflibmap -liberty {library}",
        "opt",
        f"abc -liberty {library} -constr {folder / 'constr'} -script {folder / 'abc'}",
        "opt_clean -purge",
        f"write_json {folder / 'mapped.json'}",
    )


def _constraints(technology: Technology) -> str:
    """A buffer drives every input, and four of its inputs load every output; abc counts in fF."""
    buffer = technology.buffer
    load = 4e15 * max(pin.capacitance_f for pin in buffer.pins.values())
    return f"set_driving_cell {buffer.name}\nset_load {load:.3f}\n"
