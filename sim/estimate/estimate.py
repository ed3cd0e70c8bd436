"""An estimate: a design mapped to a technology, its memories by a model, and the longest path of every unit."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sim.estimate.mapping import Mapped, MappedUnit, map_block
from sim.estimate.memory_cell import Memory
from sim.estimate.memory_model import Cost, MemoryModel
from sim.estimate.sta import Timing, time_units
from sim.estimate.technology import Technology


@dataclass(frozen=True, kw_only=True)
class Area:
    """Square micrometres of logic and of memories, and what they leak."""

    logic_um2: float = 0.0
    memory_um2: float = 0.0
    logic_w: float = 0.0
    memory_w: float = 0.0

    @property
    def um2(self) -> float:
        """Both."""
        return self.logic_um2 + self.memory_um2

    @property
    def watts(self) -> float:
        """Leakage of both."""
        return self.logic_w + self.memory_w

    def plus(self, other: Area, times: int = 1) -> Area:
        """This and `times` the other."""
        return Area(
            logic_um2=self.logic_um2 + times * other.logic_um2,
            memory_um2=self.memory_um2 + times * other.memory_um2,
            logic_w=self.logic_w + times * other.logic_w,
            memory_w=self.memory_w + times * other.memory_w,
        )


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a design costs in a technology."""

    mapped: Mapped
    model: MemoryModel
    costs: dict[Memory, Cost]  #: of every shape of memory
    timings: dict[str, Timing | None]  #: by unit, with what lies below it

    @property
    def technology(self) -> Technology:
        """What it is mapped to."""
        return self.mapped.technology

    @cached_property
    def own(self) -> dict[str, Area]:
        """By unit, of one of it without the units below."""
        return {name: self._area(unit) for name, unit in self.mapped.units.items()}

    def _area(self, unit: MappedUnit) -> Area:
        cells = self.technology.library.cells
        memories: Counter[Memory] = unit.memories
        return Area(
            logic_um2=sum(cells[kind].area_um2 * number for kind, number in unit.cells.items()),
            memory_um2=sum(self.costs[memory].area_um2 * number for memory, number in memories.items()),
            logic_w=sum(cells[kind].leakage_w * number for kind, number in unit.cells.items()),
            memory_w=sum(self.costs[memory].leakage_w * number for memory, number in memories.items()),
        )

    @cached_property
    def whole(self) -> dict[str, Area]:
        """By unit, of one of it with all units below."""
        found: dict[str, Area] = {}
        for name, unit in self.mapped.units.items():
            area = self.own[name]
            for child, number in unit.children.items():
                area = area.plus(found[child], number)
            found[name] = area
        return found

    @property
    def top(self) -> str:
        """The unit that is the whole design."""
        return list(self.mapped.units)[-1]

    @property
    def total(self) -> Area:
        """Of the design."""
        return self.whole[self.top]

    @property
    def slowest(self) -> tuple[str, Timing] | None:
        """The smallest unit that has the longest path of all, and that path; None where nothing is timed."""
        timed = [(name, timing) for name, timing in self.timings.items() if timing]
        return max(timed, key=lambda pair: pair[1].period_ns, default=None)


def estimate(
    rtlil: str, top: str, technology: Technology, model: MemoryModel, folder: Path, *, workers: int = 2,
    flat: bool = False,
) -> Estimate:  # fmt: skip
    """Maps, sizes and times a design.

    Args:
        rtlil: the design; its top module is `top`.
        folder: where mapped units and their timings are kept.
        workers: processes at a time.
        flat: map the design as one module.

    Raises:
        InputError: the technology lacks what is needed, or something of the design has no counterpart or no model.
        YosysError, TimingError: a tool failed.
    """
    mapped = map_block(rtlil, top, technology, folder, workers=workers, flat=flat)
    costs = {memory: model.cost(memory) for memory in dict.fromkeys(mapped.memories)}
    timings = time_units(mapped, costs, folder, workers=workers)
    return Estimate(mapped=mapped, model=model, costs=costs, timings=timings)
