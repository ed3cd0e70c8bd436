"""Power tables of a liberty library: what a change of a pin costs inside its cell, by the input's slope and the load.

A table has the input's transition time along its first index, and along its second, if it has one, the load. Of
several conditions (`when`, `related_pin`) of a pin the mean counts, but for a flip-flop's clock; tables of ground rails
are left out, as their charge is counted at the supply.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
import numpy.typing as npt

from golden.errors import InputError
from sim.estimate.functions import Function, read_function
from sim.estimate.liberty import Cell, Group, Library, numbers

_FLOATS = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Table:
    """Values over slope and load; both in the library's units."""

    slopes: _FLOATS
    loads: _FLOATS
    values: _FLOATS  #: [slopes, loads]

    def at(self, slope: float, load: float) -> float:
        """Between the samples by straight lines; beyond them as at the border."""
        row, above = _place(self.slopes, slope)
        column, right = _place(self.loads, load)
        v = self.values[row : row + 2, column : column + 2]
        low = v[0, 0] * (1 - right) + v[0, -1] * right
        high = v[-1, 0] * (1 - right) + v[-1, -1] * right
        return float(low * (1 - above) + high * above)


def _place(samples: _FLOATS, value: float) -> tuple[int, float]:
    """The sample below, and how far the value is on the way to the next."""
    if len(samples) == 1:
        return 0, 0.0
    value = min(max(value, samples[0]), samples[-1])
    k = min(int(np.searchsorted(samples, value, side="right")) - 1, len(samples) - 2)
    return k, float((value - samples[k]) / (samples[k + 1] - samples[k]))


@dataclass(frozen=True)
class Edges:
    """What a rise and a fall of a pin cost: the mean over tables, in joules."""

    rises: tuple[Table, ...]
    falls: tuple[Table, ...]
    unit_j: float

    def rise(self, slope: float, load: float) -> float:
        """In joules."""
        return self._mean(self.rises, slope, load)

    def fall(self, slope: float, load: float) -> float:
        """In joules."""
        return self._mean(self.falls, slope, load)

    def _mean(self, tables: Iterable[Table], slope: float, load: float) -> float:
        found = [table.at(slope, load) for table in tables]
        return self.unit_j * sum(found) / len(found) if found else 0.0


class PowerTables:
    """Of a library's cells.

    Raises:
        InputError: the library has none.
    """

    def __init__(self, library: Library) -> None:
        self.library = library
        self.templates = {
            group.arguments[0]: group for tree in library.trees for group in tree.groups if "template" in group.name
        }
        if not any(
            list(pin.group.all("internal_power")) for cell in library.cells.values() for pin in cell.pins.values()
        ):
            raise InputError(
                f"{library.name}: energy at gate level needs a library with tables of internal_power, this one has "
                "none; --technology nangate45, for example, has them"
            )
        self._edges: dict[tuple[str, str], Edges] = {}

    @cached_property
    def slope(self) -> float:
        """What inputs begin with: the middle sample of the library's transition tables."""
        every = [
            self.table(group).slopes
            for cell in self.library.cells.values()
            for pin in cell.outputs
            for timing in pin.group.all("timing")
            for group in timing.all("rise_transition")
        ]
        return float(every[0][len(every[0]) // 2])

    def table(self, group: Group) -> Table:
        """Of a group like `rise_power`."""
        template = self.templates.get(group.arguments[0]) if group.arguments else None

        def samples(name: str) -> _FLOATS:
            text = group.attributes.get(name) or (template.attributes.get(name) if template else None)
            return np.array(numbers(text)) if text else np.zeros(1)

        values = np.array(numbers(group.attributes["values"]))
        slopes, loads = samples("index_1"), samples("index_2")
        if values.size == 1:
            return Table(np.zeros(1), np.zeros(1), values.reshape(1, 1))
        return Table(slopes, loads, values.reshape(len(slopes), len(loads)))

    def edges(self, cell: Cell, pin: str) -> Edges:
        """Internal power of a pin, over all its conditions."""
        key = (cell.name, pin)
        if key not in self._edges:
            self._edges[key] = self._of(self._groups(cell, pin))
        return self._edges[key]

    def transition(self, cell: Cell, pin: str) -> Callable[[float], float]:
        """The slope at an output by its load, for a middling input."""
        timings = list(cell.pins[pin].group.all("timing"))
        tables = [self.table(group) for timing in timings for group in timing.all("rise_transition", "fall_transition")]
        return lambda load: sum(t.at(self.slope, load) for t in tables) / len(tables) if tables else self.slope

    def clock(self, cell: Cell, pin: str, activity: float) -> tuple[float, float]:
        """Joules of a rise and a fall of a flip-flop's clock whose state changes with probability `activity` a cycle.

        Before an edge the next state differs from the state in that share of cycles; other inputs are anything.
        """
        weights = list(_states(cell, activity))
        found = [0.0, 0.0]
        for edge, name in enumerate(("rise_power", "fall_power")):
            given = [(_when(group), t) for group in self._groups(cell, pin) for t in group.all(name)]
            for values, weight in weights:
                tables = [self.table(t).at(self.slope, 0) for when, t in given if when is None or when.evaluate(values)]
                found[edge] += weight * (sum(tables) / len(tables) if tables else 0.0)
        return found[0] * self.library.energy_j, found[1] * self.library.energy_j

    def _groups(self, cell: Cell, pin: str) -> list[Group]:
        grounds = {
            group.arguments[0]
            for group in cell.group.all("pg_pin")
            if group.attributes.get("pg_type") == "primary_ground"
        }  # fmt: skip
        powers = cell.pins[pin].group.all("internal_power")
        return [power for power in powers if power.attributes.get("related_pg_pin") not in grounds]

    def _of(self, groups: Iterable[Group]) -> Edges:
        def tables(name: str) -> tuple[Table, ...]:
            return tuple(self.table(table) for group in groups for table in group.all(name, "power"))

        groups = list(groups)
        return Edges(tables("rise_power"), tables("fall_power"), self.library.energy_j)


def _when(group: Group) -> Function | None:
    text = group.attributes.get("when")
    return read_function(text) if text else None


def _states(cell: Cell, activity: float) -> Iterable[tuple[Mapping[str, int], float]]:
    """Values of a flip-flop's pins and state, and how likely they are at a clock edge."""
    (group,) = cell.group.all("ff")
    state, complement = group.arguments
    follows = read_function(group.attributes["next_state"])
    inputs = [pin.name for pin in cell.pins.values() if pin.direction == "input"]
    kinds: dict[bool, list[dict[str, int]]] = {True: [], False: []}
    for bits in product((0, 1), repeat=len(inputs) + 1):
        values = dict(zip((*inputs, state), bits, strict=True)) | {complement: 1 - bits[-1]}
        values |= {pin.name: read_function(pin.function).evaluate(values) for pin in cell.outputs}
        kinds[follows.evaluate(values) != values[state]].append(values)
    for changes, share in ((True, activity), (False, 1 - activity)):
        for values in kinds[changes]:
            yield values, share / len(kinds[changes])
