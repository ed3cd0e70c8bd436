"""SRAM macros of a technology: what their liberty files say of size, area, leakage and speed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from golden.errors import InputError
from sim.estimate.liberty import Cell, Group, numbers, read_library


@dataclass(frozen=True, kw_only=True)
class Macro:
    """A macro of a liberty file."""

    name: str
    width: int
    depth: int
    read_write: bool  #: its only port does one or the other in a cycle; False: one more port reads
    area_um2: float
    leakage_w: float
    access_s: float  #: clock to data, the median of the table over slope and load
    setup_s: float

    @property
    def bits(self) -> int:
        """Stored bits."""
        return self.width * self.depth


def read_macros(paths: Sequence[Path]) -> list[Macro]:
    """The memories among the cells of liberty files.

    Raises:
        InputError: a file has none.
    """
    found: list[Macro] = []
    for path in paths:
        library = read_library([path])
        here = [cell for cell in library.cells.values() if list(cell.group.all("memory"))]
        if not here:
            raise InputError(f"{path}: a liberty file of macros has a cell with a group 'memory', this one has none")
        found += [_macro(cell, library.time_s) for cell in here]
    return found


def _macro(cell: Cell, second: float) -> Macro:
    (memory,) = cell.group.all("memory")
    outputs = [pin for pin in cell.pins.values() if pin.direction == "output" and pin.group.name == "bus"]
    addresses = [pin for pin in cell.pins.values() if re.search(r"addr", pin.name, re.I) and "BIST" not in pin.name]
    falling = any(arc.attributes.get("timing_type") == "falling_edge" for arc in _arcs(cell.group))
    access = median(_values(cell.group, ("rising_edge", "falling_edge")))
    # Macros of OpenRAM drive their data after the clock's falling edge: half of their period comes before it.
    before = max(_values(cell.group, ("minimum_period",)), default=0.0) / 2 if falling else 0.0
    return Macro(
        name=cell.name,
        width=int(memory.attributes["word_width"]),
        depth=1 << int(memory.attributes["address_width"]),
        read_write=len(outputs) == 1 or len(addresses) == 1,
        area_um2=cell.area_um2,
        leakage_w=cell.leakage_w,
        access_s=(access + before) * second,
        setup_s=max(_values(cell.group, ("setup_rising",)), default=0.0) * second,
    )


def _arcs(group: Group) -> Iterator[Group]:
    for inner in group.groups:
        if inner.name == "timing":
            yield inner
        yield from _arcs(inner)


def _values(group: Group, kinds: tuple[str, ...]) -> list[float]:
    """Delays and constraints of the timing arcs of these kinds."""
    tables = ("cell_rise", "cell_fall", "rise_constraint", "fall_constraint")
    return [
        value
        for arc in _arcs(group)
        if arc.attributes.get("timing_type") in kinds
        for table in arc.all(*tables)
        for value in numbers(table.attributes.get("values", ""))
    ]
