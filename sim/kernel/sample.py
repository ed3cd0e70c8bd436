"""A job that stands for an engine's work where only one is run: energy and sweeps are of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.kernel.jobs import MemorySettings
from sim.kernel.run import Operation, Run, run_operation
from sim.kernel.waves import Waves

#: How often the units of a block did their work, all together, by the block's name in the design; of "" all others.
Events = Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A workload, what runs it, and how good its result is."""

    operation: Operation[Any]
    workload: Any
    memory: MemorySettings
    measure: str  #: what `quality` is, with its unit
    quality: Callable[[Run], float | None]  #: of a checked run; None where every result is exact
    events: Callable[[Run], Events]  #: by the hardware's own counters

    def run(self, waves: Path | None = None, *, last: int | None = None) -> Run:
        """In RTL, every word compared with the model's; `waves` go to cycle `last`, or to the end.

        Raises:
            CheckError: one differs.
        """
        recorded = Waves(path=waves, last=last) if waves else None
        return run_operation(self.operation, self.workload, memory=self.memory, check=True, waves=recorded)


def words_moved(counters: Mapping[str, int]) -> int:
    """Words to and from memory."""
    return sum(number for name, number in counters.items() if name.endswith("_words"))
