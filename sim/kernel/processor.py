"""A processor that baselines run on: what it is, its timer and its meter. Needs nothing but torch."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.kernel.energy import Meter, NoMeter, NotMeasuredError, cpu_meter, energy_of_a_run, idle_power
from sim.kernel.nvml import open_gpu
from sim.kernel.timing import CudaTimer, Run, Timer, WallTimer, time_runs


@dataclass(frozen=True, kw_only=True)
class Processor:
    """Where torch runs, and by what its runs are measured."""

    place: str  #: torch's name of it: `cpu`, `cuda`
    about: Mapping[str, Any]  #: for a record
    timer: Timer
    meter: Meter

    def measure(self, run: Run) -> dict[str, Any]:
        """Time, then energy and clocks, of a run; apart, as a meter that samples may disturb short runs."""
        busy = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None
        timed = time_runs(run, self.timer)

        def runs_of(count: int) -> None:
            for _ in range(count):
                run()
            self.timer.wait()

        return {"load": busy} | timed | energy_of_a_run(runs_of, timed["median_ms"], self.meter)


def cpu() -> Processor:
    """The processor, with torch's own number of threads."""
    import torch

    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"model name\s*: (.*)", info)
    clock = re.search(r"cpu MHz\s*: (.*)", info)
    meter = cpu_meter()
    about = {
        "kind": "cpu",
        "name": model[1].strip() if model else platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "clock_mhz": float(clock[1]) if clock else None,
        "idle_w": idle_power(meter),
    }
    return Processor(place="cpu", about=about, timer=WallTimer(), meter=meter)


def cuda() -> Processor:
    """torch's first CUDA device, by NVML too where that is."""
    import torch

    properties = torch.cuda.get_device_properties(0)
    about = {
        "kind": "cuda",
        "name": properties.name,
        "multiprocessors": properties.multi_processor_count,
        "memory_gib": round(properties.total_memory / 2**30, 1),
        "cuda": torch.version.cuda,
    }
    try:
        meter = open_gpu(str(properties.uuid))
    except NotMeasuredError as error:
        meter = NoMeter(str(error))
    else:
        about |= meter.about() | {"idle_w": idle_power(meter)}
    return Processor(place="cuda", about=about, timer=CudaTimer(), meter=meter)
