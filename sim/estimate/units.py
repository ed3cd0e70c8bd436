"""The units of an engine in a checked design: mapped one by one, each found in the trace of the run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from golden.errors import InputError
from hw.generate import Generated
from hw.netlist import write
from hw.verilog import named_modules
from sim.estimate.activity import Unit
from sim.estimate.gates import module_name
from sim.estimate.hierarchy import Unit as Written
from sim.estimate.hierarchy import split
from sim.estimate.mapping import Mapped, MappedUnit, map_block
from sim.estimate.nets import Gates, read_nets
from sim.estimate.technology import Technology

ENGINE = "engine"  #: what harnesses call the engine, or the engine with what it is linked to


@dataclass(frozen=True, kw_only=True)
class Netlist:
    """A unit, mapped, and where it stands."""

    unit: Unit
    mapped: MappedUnit
    gates: Gates
    rtlil: str  #: of the unit, with those below it as black boxes


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the engine is in a harness."""

    rtlil: str  #: of the harness, under the names of its Verilog
    module: str  #: the engine's
    path: str  #: of its instance, scopes joined by dots


def find_engine(design: Generated) -> Place:
    """The engine in a harness: the innermost of its instances that are called so.

    Raises:
        InputError: the design has none.
    """
    kept, _ = named_modules(design.rtlil, design.name)
    modules = {module.name: module for module in kept.values()}
    inside, path = f"\\{design.name}", design.name
    while found := [cell for cell in modules[inside].cells if cell.kind.endswith(f"__{ENGINE}")]:
        inside, path = found[0].kind, f"{path}.{found[0].name[1:]}"
    if path == design.name:
        raise InputError(f"{design.name}: a design to measure has an instance '{ENGINE}', this one has none")
    return Place(rtlil=write(modules.values()), module=inside[1:], path=path)


def map_engine(design: Generated, technology: Technology, folder: Path, *, workers: int = 2) -> list[Netlist]:
    """Maps the engine in a harness.

    Raises:
        InputError: the design has no engine, or what `map_block` refuses.
    """
    place = find_engine(design)
    mapped = map_block(place.rtlil, place.module, technology, folder, workers=workers)
    return _netlists(mapped, split(place.rtlil, place.module), place.path)


def _netlists(mapped: Mapped, written: Mapping[str, Written], path: str) -> list[Netlist]:
    """Every unit of a mapped design whose top stands at `path` in the trace."""
    units = {module_name(name): unit for name, unit in mapped.units.items()}
    directions = {
        name: {port: way == "output" for port, (way, _) in unit.ports.items()} for name, unit in units.items()
    }  # fmt: skip
    gates = {name: read_nets(unit.verilog, directions) for name, unit in units.items()}
    places: dict[str, list[str]] = defaultdict(list)
    for name, place in _places(gates, list(units)[-1], path):
        places[name].append(place)
    return [
        Netlist(
            unit=Unit(module=unit.name, instances=tuple(places[name]), ports=tuple(gates[name].ports)),
            mapped=unit,
            gates=gates[name],
            rtlil=written[unit.name].rtlil,
        )
        for name, unit in units.items()
    ]


def _places(gates: Mapping[str, Gates], name: str, path: str) -> Iterator[tuple[str, str]]:
    """Name and path of every instance of a unit."""
    yield name, path
    for child in gates[name].children:
        yield from _places(gates, child.kind, f"{path}.{child.name}")
