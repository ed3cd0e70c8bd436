"""How long a run takes: the clock of each kind of device, and how many runs are timed."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any, Protocol

WARM_UP, RUNS = 10, 50
LEAST_WARM_UP, LEAST_RUNS = 2, 7
BUDGET_S = 10.0  # of a workload; one that takes longer than a 50th of it is run less often

Run = Callable[[], object]


class Timer(Protocol):
    """Times runs of one device."""

    name: str

    def wait(self) -> None:
        """Until all work that was given to the device is done."""
        ...

    def milliseconds(self, run: Run, count: int) -> list[float]:
        """Of each of `count` runs, one after another."""
        ...


class WallTimer:
    """The wall's clock, for work that is done when the call returns."""

    name = "wall clock"

    def wait(self) -> None:
        """Nothing is under way."""

    def milliseconds(self, run: Run, count: int) -> list[float]:
        """From call to return."""
        taken: list[float] = []
        for _ in range(count):
            begin = time.perf_counter()
            run()
            taken.append(1e3 * (time.perf_counter() - begin))
        return taken


class CudaTimer:
    """CUDA events on the current stream: the GPU's own clock, half a microsecond fine.

    A run lasts from the event before its first kernel to the one after its last: gaps in which the GPU waits for the
    host are in it, the host's work that runs ahead of the GPU is not. Nothing waits between runs, and caches are warm.
    """

    name = "CUDA events"

    def wait(self) -> None:
        """Until the device has done all."""
        import torch

        torch.cuda.synchronize()

    def milliseconds(self, run: Run, count: int) -> list[float]:
        """Between each run's two events; events are read when all runs are done."""
        import torch

        events = [[torch.cuda.Event(enable_timing=True) for _ in range(2)] for _ in range(count)]
        self.wait()
        for begin, end in events:
            begin.record()
            run()
            end.record()
        self.wait()
        return [begin.elapsed_time(end) for begin, end in events]


def time_runs(run: Run, timer: Timer) -> dict[str, Any]:
    """Times `RUNS` runs after `WARM_UP`, or as many as `BUDGET_S` allows but `LEAST_RUNS` after `LEAST_WARM_UP`.

    Returns:
        For a record: milliseconds of every run, their median and spread (third quartile less first), the timer's name.
    """
    run()
    timer.wait()
    begin = time.perf_counter()
    run()
    timer.wait()
    fits = int(BUDGET_S / max(time.perf_counter() - begin, 1e-6))
    runs = min(max(fits, LEAST_RUNS), RUNS)
    for _ in range(max(runs * WARM_UP // RUNS, LEAST_WARM_UP) - 2):  # two are done
        run()
    timer.wait()
    taken = timer.milliseconds(run, runs)
    first, median, third = statistics.quantiles(taken, n=4, method="inclusive")
    return {
        "median_ms": round(median, 4),
        "spread_ms": round(third - first, 4),
        "timer": timer.name,
        "runs_ms": [round(value, 4) for value in taken],
    }
