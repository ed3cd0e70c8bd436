"""Trees of buffers on nets that load too many pins.

abc buffers what it maps, but does not see the pins of flip-flops (enables, resets), of memories and of modules below: a
write enable of a word, or a signal that goes to every lane, would load one net with hundreds of pins.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sim.estimate.liberty import Cell
from sim.estimate.technology import Technology

#: Pins that a net may load.
LIMIT = 16
_MEMORY_OUTPUT = "RD_DATA"
_ENABLE = "WR_EN"
_CLOCKS = ("RD_CLK", "WR_CLK", "clk")

#: Cell, port and indices of the bits there that read a net: several where a memory has one enable for many columns.
Sink = tuple[str, str, tuple[int, ...]]


def buffer_nets(cells: dict[str, Any], modules: Mapping[str, Any], technology: Technology) -> None:
    """Adds buffers to a module's cells, as Yosys' JSON has them, until no net but clocks loads more than `LIMIT` pins.

    Args:
        cells: changed in place.
        modules: of the JSON, those below for the directions of their ports.
    """
    fresh = 1 + max((bit for cell in cells.values() for bits in cell["connections"].values() for bit in bits
                     if isinstance(bit, int)), default=0)  # fmt: skip
    for bit, sinks in _sinks(cells, modules, technology).items():
        while len(sinks) > LIMIT:
            drivers: list[Sink] = []
            for k in range(0, len(sinks), LIMIT):
                name = f"$fanout{fresh}"
                cells[name] = _buffer(technology.driver, bit, fresh)
                for cell, port, indices in sinks[k : k + LIMIT]:
                    for index in indices:
                        cells[cell]["connections"][port][index] = fresh
                drivers.append((name, _pins(technology.driver)[0], (0,)))
                fresh += 1
            sinks = drivers


def _sinks(cells: Mapping[str, Any], modules: Mapping[str, Any], technology: Technology) -> dict[int, list[Sink]]:
    """By net, what it loads; without clocks and constants."""
    loads: dict[int, list[Sink]] = defaultdict(list)
    clocks: set[int] = set()
    for name, cell in cells.items():
        for port, bits in cell["connections"].items():
            if _is_clock(cell["type"], port, technology):
                clocks.update(bit for bit in bits if isinstance(bit, int))
            elif _reads(cell["type"], port, modules, technology):
                for bit, indices in _places(bits, together=port == _ENABLE):
                    loads[bit].append((name, port, indices))
    return {bit: sinks for bit, sinks in loads.items() if len(sinks) > LIMIT and bit not in clocks}


def _places(bits: Sequence[Any], *, together: bool) -> Iterator[tuple[int, tuple[int, ...]]]:
    """The nets of a port and where they are; all places of a net at once, or one by one."""
    places: dict[int, list[int]] = defaultdict(list)
    for index, bit in enumerate(bits):
        if isinstance(bit, int):
            places[bit].append(index)
    for bit, indices in places.items():
        yield from [(bit, tuple(indices))] if together else ((bit, (index,)) for index in indices)


def _is_clock(kind: str, port: str, technology: Technology) -> bool:
    cell = technology.library.cells.get(kind)
    if cell is None:
        return port in _CLOCKS
    states: Iterator[Any] = cell.group.all("ff")
    return any(state.attributes["clocked_on"].strip("!() ") == port for state in states)


def _reads(kind: str, port: str, modules: Mapping[str, Any], technology: Technology) -> bool:
    """Whether the cell's port is an input."""
    if kind in technology.library.cells:
        return technology.library.cells[kind].pins[port].direction == "input"
    if kind in modules:
        return modules[kind]["ports"][port]["direction"] == "input"
    return port != _MEMORY_OUTPUT


def _pins(cell: Cell) -> tuple[str, str]:
    """Input and output of a buffer."""
    (source,) = (pin.name for pin in cell.pins.values() if pin.direction == "input")
    return source, cell.outputs[0].name


def _buffer(cell: Cell, source: int, sink: int) -> dict[str, Any]:
    inputs, output = _pins(cell)
    return {"type": cell.name, "parameters": {}, "connections": {inputs: [source], output: [sink]}}
