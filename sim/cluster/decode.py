"""A decode step of one head, fused, and beside it the same step through external memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from golden.cluster.spec import Dataflow, Schedule
from hw.cluster.config import Config
from sim.cluster.decode_workload import prepare_step
from sim.cluster.player import LinkedMemory
from sim.cluster.run import output, run
from sim.kernel.jobs import MemorySettings
from sim.kernel.run import Backend, Execute, Run
from sim.kernel.waves import Waves

if TYPE_CHECKING:  # torch is slow to import
    from torch import Tensor

    from golden.cluster.dataflows import Head
    from golden.cluster.head import Calibration


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """What a step gave, and the run through external memory where there is one."""

    run: Run
    unfused: Run | None = None

    @property
    def output(self) -> npt.NDArray[np.float32]:
        """The heads' contribution [D]."""
        return output(self.run.workload, self.run.results)

    def report(self) -> dict[str, Any]:
        """The run's, with what it costs through external memory.

        Unfused cycles leave out those of the network's sums, which kernels would do while they load.
        """
        report = self.run.report()
        if self.run.job:
            report["quality"]["clipped"] = self.run.counters["clipped"]
        if self.unfused:
            other = self.unfused.report()
            report["unfused"] = {
                "cycles": other["cycles"] - other["counters"]["collective_cycles"],
                "bytes": other["bytes"]["total"],
            }
        return report


def decode(
    config: Config, hidden: Tensor, head: Head, *, dataflow: Dataflow = Dataflow.TOKEN,
    schedule: Schedule = Schedule.XOR, unfused: bool = True, backend: Backend = Backend.RTL,
    memory: MemorySettings = LinkedMemory(), check: bool = False, waves: Waves | None = None,
    beside: Path | None = None, execute: Execute | None = None, calibration: Calibration | None = None,
) -> Decoded:  # fmt: skip
    """One step, and with `unfused` the same step through external memory, which only RTL can measure.

    Raises:
        CheckError: RTL and model differ. InputError: shapes or sizes that are refused.
    """

    def step(through_memory: bool, waves: Waves | None) -> Run:
        workload = prepare_step(
            config, hidden, head, dataflow=dataflow, schedule=schedule, unfused=through_memory, calibration=calibration
        )
        return run(workload, backend=backend, memory=memory, check=check, waves=waves, beside=beside, execute=execute)

    fused = step(False, waves)
    return Decoded(run=fused, unfused=step(True, None) if unfused and backend == Backend.RTL else None)
