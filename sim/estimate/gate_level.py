"""Energy at gate level: every unit's netlist replays a checked run, and its library's tables price what it did.

One instance of each unit replays, the busiest; the energy of the others follows their changes in the trace, which is
also how a calibration works: joules a changed bit of RTL, and joules a cycle of the clock, unit by unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from sim.estimate.activity import Activity
from sim.estimate.constants import sram_read_pj, sram_write_pj
from sim.estimate.memory_cell import Memory
from sim.estimate.memory_model import MemoryModel
from sim.estimate.power import Energy, gate_energy
from sim.estimate.power_tables import PowerTables
from sim.estimate.reference import reference
from sim.estimate.replay import Replayed, replay, require_icarus
from sim.estimate.scaling import factors
from sim.estimate.technology import Technology
from sim.estimate.units import Netlist
from sim.kernel.console import bar

PICO = 1e-12


@dataclass(frozen=True, kw_only=True)
class UnitEnergy:
    """What one instance of a unit took over the cycles that it replayed."""

    module: str
    instances: tuple[str, ...]
    replayed: str  #: the instance
    cells: int
    words: int  #: compared, all equal
    unknown: float  #: share of output bits that nothing had written
    cycles: int
    toggles: int  #: changed bits of its RTL meanwhile
    energy: Energy

    @property
    def toggle_j(self) -> float:
        """Joules that follow the data, for each changed bit of RTL."""
        return self.energy.moving_j / self.toggles if self.toggles else 0.0

    def joules(self, toggles: Mapping[str, int], cycles: int, period_s: float) -> float:
        """Of all instances over some cycles, by the changed bits of each."""
        changed = sum(toggles[instance] for instance in self.instances)
        still = self.energy.clock_j / self.cycles + self.energy.leakage_w * period_s
        return self.toggle_j * changed + len(self.instances) * cycles * still

    def as_dict(self) -> dict[str, Any]:
        """For a report."""
        return {**asdict(self), "instances": [*self.instances]}


def unit_energy(record: Mapping[str, Any]) -> UnitEnergy:
    """What `UnitEnergy.as_dict` gave."""
    return UnitEnergy(
        **{**record, "instances": tuple(record["instances"]), "energy": Energy(**record["energy"])},
    )


@dataclass(frozen=True, kw_only=True)
class Prices:
    """Of a technology."""

    tables: PowerTables
    model: MemoryModel
    access: float  #: factor from CACTI's 45 nm to the technology's node

    @classmethod
    def of(cls, technology: Technology, model: MemoryModel) -> Prices:
        """Raises:
        InputError: the library has no power tables.
        """
        return cls(
            tables=PowerTables(technology.library), model=model, access=access_factor(technology.node_nm)
        )  # fmt: skip


def access_factor(node_nm: int | None) -> float:
    """Of a memory's energy, from 45 nm to a node: the middle of the two flavours; 1 where the node is not known."""
    low, high = factors(45, node_nm or 45).energy
    return (low * high) ** 0.5


def measure(
    netlists: Sequence[Netlist], activity: Activity, prices: Prices, *, workers: int = 2
) -> list[UnitEnergy]:  # fmt: skip
    """Replays every unit.

    Raises:
        CheckError: a netlist gives another word than the run.
        InputError: a cell has no model, or Icarus Verilog is missing.
    """
    require_icarus()

    largest_first = sorted(netlists, key=lambda netlist: -len(netlist.gates.gates))
    with ThreadPoolExecutor(workers) as pool, bar("replaying the run at gate level", len(netlists)) as advance:

        def one(netlist: Netlist) -> UnitEnergy:
            found = _replay(netlist, activity, prices)
            advance()
            return found

        return list(pool.map(one, largest_first))


def _replay(netlist: Netlist, activity: Activity, prices: Prices) -> UnitEnergy:
    unit, memories = netlist.unit, {memory.name: memory for memory in netlist.mapped.memories}
    busiest = max(unit.instances, key=lambda instance: activity.toggles[instance])
    rtl = reference(netlist.rtlil, unit.module)
    played = replay(netlist.gates, rtl, prices.tables.library, memories, activity.vectors[busiest])
    energy = gate_energy(netlist.gates, prices.tables, played)
    placed = {number: memories[gate.kind] for number, gate in enumerate(netlist.gates.gates) if gate.kind in memories}
    return UnitEnergy(
        module=unit.module,
        instances=unit.instances,
        replayed=busiest,
        cells=sum(netlist.mapped.cells.values()),
        words=played.words,
        unknown=played.unknown,
        cycles=played.cycles,
        toggles=activity.toggles[busiest],
        energy=energy.plus(_memory_energy(placed, played, prices)),
    )


def _memory_energy(placed: Mapping[int, Memory], played: Replayed, prices: Prices) -> Energy:
    joules = watts = 0.0
    for number, memory in placed.items():
        reads, writes = played.accesses[number]
        picojoules = reads * sram_read_pj(memory.bits) + writes * sram_write_pj(memory.bits, memory.width)
        joules += PICO * prices.access * picojoules
        watts += prices.model.cost(memory).leakage_w
    return Energy(memory_j=joules, leakage_w=watts)
