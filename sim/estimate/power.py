"""Energy of a replayed netlist, by its library's tables.

    switching  ½ · C · V² for each change of a net, C the input pins on it
    internal   the tables of internal_power: of outputs for each change, of inputs for those that change no output
    clock      the clock pins' own tables and C · V² a cycle; there is no clock tree
    leakage    the cells' leakage power over the time

There are no wires and no glitches in it: every net settles once a cycle.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from sim.estimate.cell_models import find_cell
from sim.estimate.functions import read_function
from sim.estimate.liberty import Cell
from sim.estimate.nets import Gate, Gates, Net
from sim.estimate.power_tables import PowerTables
from sim.estimate.replay import Replayed


@dataclass(frozen=True, kw_only=True)
class Energy:
    """Joules over the cycles of a run, and watts of leakage."""

    switching_j: float = 0.0
    internal_j: float = 0.0
    clock_j: float = 0.0
    memory_j: float = 0.0
    leakage_w: float = 0.0

    @property
    def dynamic_j(self) -> float:
        """Without leakage."""
        return self.switching_j + self.internal_j + self.clock_j + self.memory_j

    @property
    def moving_j(self) -> float:
        """What follows the data: without the clock and leakage."""
        return self.dynamic_j - self.clock_j

    def total_j(self, seconds: float) -> float:
        """With leakage over a time."""
        return self.dynamic_j + self.leakage_w * seconds

    def plus(self, other: Energy) -> Energy:
        """This and the other."""
        return Energy(**{name: value + vars(other)[name] for name, value in vars(self).items()})


def gate_energy(gates: Gates, tables: PowerTables, replayed: Replayed) -> Energy:
    """Of the library's cells in a replayed netlist, memories apart."""
    return _Sum(gates, tables, replayed).energy()


@dataclass
class _Sum:
    gates: Gates
    tables: PowerTables
    replayed: Replayed
    loads: dict[Net, float] = field(default_factory=lambda: defaultdict(float))  # in the library's units
    slopes: dict[Net, float] = field(default_factory=dict)
    _kept: dict[tuple[str, str, float], float] = field(default_factory=dict)

    def energy(self) -> Energy:
        cells = [(gate, find_cell(self.tables.library, gate.kind)) for gate in self._cells()]
        self._load(cells)
        internal = sum(self._internal(gate, cell) for gate, cell in cells)
        clock = sum(self._clock(gate, cell) for gate, cell in cells if cell.is_flip_flop)
        return Energy(
            switching_j=sum(self._half(net) * self._changes(net) for net in self.loads if net != self.gates.clock),
            internal_j=internal,
            clock_j=clock + 2 * self._half(self.gates.clock) * self.replayed.cycles,
            leakage_w=sum(cell.leakage_w for _, cell in cells),
        )

    def _cells(self) -> list[Gate]:
        return [gate for gate in self.gates.gates if gate.kind in self.tables.library.cells]

    def _load(self, cells: list[tuple[Gate, Cell]]) -> None:
        unit = self.tables.library.capacitance_f
        for gate, cell in cells:
            for pin, nets in gate.pins.items():
                if cell.pins[pin].direction == "input":
                    self.loads[nets[0]] += cell.pins[pin].capacitance_f / unit
        for gate, cell in cells:
            for pin, nets in gate.pins.items():
                if cell.pins[pin].direction == "output":
                    self.slopes[nets[0]] = self._slope(cell, pin, self.loads[nets[0]])

    def _slope(self, cell: Cell, pin: str, load: float) -> float:
        key = (cell.name, pin, float(f"{load:.2g}"))
        if key not in self._kept:
            self._kept[key] = self.tables.transition(cell, pin)(key[2])
        return self._kept[key]

    def _half(self, net: Net | None) -> float:
        """½ · C · V² of a net."""
        if net is None:
            return 0.0
        return 0.5 * self.loads[net] * self.tables.library.capacitance_f * self.tables.library.voltage**2

    def _changes(self, net: Net) -> int:
        if not isinstance(net, int):
            return 0
        return self.replayed.rises.get(net, 0) + self.replayed.falls.get(net, 0)

    def _internal(self, gate: Gate, cell: Cell) -> float:
        """Of all pins but clocks."""
        inputs = {pin: nets[0] for pin, nets in gate.pins.items() if cell.pins[pin].direction == "input"}
        outputs = {pin: nets[0] for pin, nets in gate.pins.items() if pin not in inputs}
        slopes = [self.slopes[net] for net in inputs.values() if net in self.slopes]
        slope = sum(slopes) / len(slopes) if slopes else self.tables.slope
        energy = sum(self._pin(cell, pin, net, slope, self.loads[net]) for pin, net in outputs.items())
        clocks = _clocks(cell)
        data = {pin: net for pin, net in inputs.items() if pin not in clocks}
        changes = sum(map(self._changes, data.values()))
        seen = 0 if cell.is_flip_flop else max(map(self._changes, outputs.values()), default=0)
        hidden = max(changes - seen, 0) / changes if changes else 0.0
        return energy + hidden * sum(self._pin(cell, pin, net, slope, 0.0) for pin, net in data.items())

    def _pin(self, cell: Cell, pin: str, net: Net, slope: float, load: float) -> float:
        if not isinstance(net, int) or not self._changes(net):
            return 0.0
        edges = self.tables.edges(cell, pin)
        rises, falls = self.replayed.rises.get(net, 0), self.replayed.falls.get(net, 0)
        return rises * edges.rise(slope, load) + falls * edges.fall(slope, load)

    def _clock(self, gate: Gate, cell: Cell) -> float:
        """A flip-flop's clock pins over the run."""
        changes = max((self._changes(nets[0]) for pin, nets in gate.pins.items() if pin in _outputs(cell)), default=0)
        activity = round(changes / self.replayed.cycles, 2)
        return self.replayed.cycles * sum(self._clock_cycle(cell, pin, activity) for pin in _clocks(cell))

    def _clock_cycle(self, cell: Cell, pin: str, activity: float) -> float:
        key = (cell.name, f"{pin} clock", activity)
        if key not in self._kept:
            self._kept[key] = sum(self.tables.clock(cell, pin, activity))
        return self._kept[key]


def _clocks(cell: Cell) -> set[str]:
    """The pins that clock a flip-flop; none of another cell."""
    return {
        pin for group in cell.group.all("ff") for pin in read_function(group.attributes["clocked_on"]).pins()
    }  # fmt: skip


def _outputs(cell: Cell) -> Mapping[str, object]:
    return {pin.name: pin for pin in cell.outputs}
