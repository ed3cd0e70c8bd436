"""The processors of this machine that baselines run on: what they are, their timers and meters."""

from __future__ import annotations

import os
import platform
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.kernel.baseline import Measured
from sim.kernel.console import step
from sim.kernel.energy import Meter, NoMeter, NotMeasuredError, cpu_meter, energy_of_a_run, idle_power
from sim.kernel.nvml import open_gpu
from sim.kernel.timing import CudaTimer, Run, Timer, WallTimer, time_runs

GPU_WAY = (
    "install the build of torch {torch} for the driver's CUDA, by the command that PyTorch's page of downloads names, "
    "then `.venv/bin/pip install -e '.[gpu]'`"
)


@dataclass(frozen=True, kw_only=True)
class Processor:
    """Where torch runs, and by what its runs are measured."""

    place: str  #: torch's name of it: `cpu`, `cuda`
    about: Mapping[str, Any]  #: for a record
    timer: Timer
    meter: Meter

    def measure(self, run: Run) -> dict[str, Any]:
        """Time, then energy and clocks, of a run; apart, as a meter that samples may disturb short runs."""
        timed = time_runs(run, self.timer)

        def runs_of(count: int) -> None:
            for _ in range(count):
                run()
            self.timer.wait()

        return timed | energy_of_a_run(runs_of, timed["median_ms"], self.meter)


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


def measure_everywhere(entries: Callable[[Processor], list[dict[str, Any]]]) -> tuple[list[Measured], list[str]]:
    """A workload's entries of the CPU, and of the GPU where there is one; and remarks.

    Args:
        entries: measures on a processor; raises NotMeasuredError, with the reason, where it cannot.
    """
    import torch

    with step("timing on the CPU"):
        here = cpu()
        measured: list[Measured] = [(dict(here.about), entries(here))]
    if not torch.cuda.is_available():
        return measured, [gpu_remark()]
    try:
        with step("timing on the GPU"):
            there = cuda()
            return [*measured, (dict(there.about), entries(there))], []
    except NotMeasuredError as error:
        return measured, [str(error)]


def gpu_remark() -> str:
    """Why no GPU is measured, and the way out where one is there."""
    import torch

    if shutil.which("nvidia-smi") is None:
        return "no CUDA device at hand: no GPU baseline"
    if torch.version.cuda is None:
        way = GPU_WAY.format(torch=torch.__version__.partition("+")[0])
        return f"a GPU is at hand, but this torch ({torch.__version__}) is a CPU build: {way}"
    return f"a GPU is at hand, but torch {torch.__version__} cannot use it: its driver may be older than that CUDA"
