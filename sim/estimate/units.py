"""The units of an engine in a checked design: mapped one by one, each found in the trace of the run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from golden.errors import InputError
from hw.generate import Generated
from hw.netlist import write
from hw.verilog import named_modules
from sim.estimate.activity import Unit
from sim.estimate.gates import module_name
from sim.estimate.mapping import Mapped, MappedUnit, map_block
from sim.estimate.nets import Gates, read_nets
from sim.estimate.technology import Technology

ENGINE = "engine"  #: the instance of the engine in the harness that runs its jobs


@dataclass(frozen=True, kw_only=True)
class Netlist:
    """A unit, mapped, and where it stands."""

    unit: Unit
    mapped: MappedUnit
    gates: Gates


def map_engine(
    design: Generated, technology: Technology, folder: Path, *, workers: int = 2,
    done: Callable[[str], None] = lambda _: None,
) -> tuple[Mapped, list[Netlist]]:  # fmt: skip
    """Maps the engine in `design`, a harness with the instance `engine`, under the names that its Verilog has.

    Raises:
        InputError: the design has no such instance, or what `map_block` refuses.
    """
    kept, _ = named_modules(design.rtlil, design.name)
    modules = {module.name: module for module in kept.values()}
    top = next((cell.kind for cell in modules[f"\\{design.name}"].cells if cell.name == f"\\{ENGINE}"), None)
    if top is None:
        raise InputError(f"{design.name}: a design to measure has an instance '{ENGINE}', this one has none")
    mapped = map_block(write(modules.values()), top[1:], technology, folder, workers=workers, done=done)
    return mapped, netlists(mapped, f"{design.name}.{ENGINE}")


def netlists(mapped: Mapped, path: str) -> list[Netlist]:
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
        )
        for name, unit in units.items()
    ]


def _places(gates: Mapping[str, Gates], name: str, path: str) -> Iterator[tuple[str, str]]:
    """Name and path of every instance of a unit."""
    yield name, path
    for child in gates[name].children:
        yield from _places(gates, child.kind, f"{path}.{child.name}")
