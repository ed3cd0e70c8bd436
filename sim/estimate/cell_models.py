"""Verilog models of a library's cells, written from the functions in its liberty file. They have no delays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from golden.errors import InputError
from sim.estimate.functions import read_function
from sim.estimate.liberty import Cell, Library, Pin


def cell_models(library: Library, names: Iterable[str]) -> str:
    """A module for each cell named.

    Raises:
        InputError: there is no such cell, or one that has no model: a latch, a tri-state driver, an output without a
            function.
    """
    return "\n".join(_model(find_cell(library, name)) for name in sorted(names))


def find_cell(library: Library, name: str) -> Cell:
    """The cell of that name.

    Raises:
        InputError: the library has none.
    """
    if name not in library.cells:
        raise InputError(f"{library.paths[0]}: the netlist has a cell {name}, the library none")
    return library.cells[name]


def _model(cell: Cell) -> str:
    if cell.is_latch:
        raise InputError(f"cell {cell.name}: a replay has models of gates and flip-flops, this is a latch")
    ports = [
        f"{pin.direction} {pin.name}" for pin in cell.pins.values() if pin.direction in ("input", "output")
    ]  # fmt: skip
    body = [*(_flip_flop(cell) if cell.is_flip_flop else ()), *(_output(cell, pin) for pin in cell.outputs)]
    return "\n".join([f"module {cell.name}({', '.join(ports)});", *(f"  {line}" for line in body), "endmodule\n"])


def _output(cell: Cell, pin: Pin) -> str:
    if not pin.function or "three_state" in pin.group.attributes:
        raise InputError(f"cell {cell.name}: a replay needs a function for each output, {pin.name} has none")
    return f"assign {pin.name} = {read_function(pin.function).verilog()};"


def _flip_flop(cell: Cell) -> Iterator[str]:
    """The state and its complement, under the names that the outputs' functions use."""
    (group,) = cell.group.all("ff")
    state, complement = group.arguments
    attributes = group.attributes
    forced = {name: attributes[name] for name in ("clear", "preset") if name in attributes}
    yield f"reg {state};"
    yield f"wire {complement} = ~{state};"
    for name, text in (("clocked_on", attributes["clocked_on"]), *forced.items()):
        yield f"wire {name}_ = {read_function(text).verilog()};"
    edges = " or ".join(f"posedge {name}_" for name in ("clocked_on", *forced))
    yield f"always @({edges})"
    for name in forced:
        yield f"  if ({name}_) {state} <= 1'b{int(name == 'preset')}; else"
    yield f"  {state} <= {read_function(attributes['next_state']).verilog()};"
