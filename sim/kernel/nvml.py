"""A GPU by the library of NVIDIA's driver (NVML): what it is, its clocks, and the energy that work takes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from sim.kernel.energy import NotMeasuredError, Reading, integral
from sim.kernel.progress import watching

INTERVAL = 0.02  # seconds between samples: sensors are no faster
COUNTER = "NVML energy counter"
SAMPLED = f"NVML power, sampled every {1000 * INTERVAL:g} ms and integrated"
MISSING = "no energy: the module pynvml is not installed: `.venv/bin/pip install -e '.[gpu]'`"


@dataclass(frozen=True)
class _Sample:
    """None where the device does not say."""

    seconds: float
    power_mw: int | None
    sm_mhz: int | None
    memory_mhz: int | None


class Gpu:
    """One GPU, and its meter.

    Args:
        library: the module `pynvml`.
        handle: what it knows the GPU by.
    """

    def __init__(self, library: Any, handle: Any) -> None:
        self._library, self._handle = library, handle

    def about(self) -> dict[str, Any]:
        """Driver, limits and settings; null for what the device does not say. Clocks in MHz, power in watts."""
        library = self._library
        limit = self._ask(library.nvmlDeviceGetEnforcedPowerLimit)
        persistence = self._ask(library.nvmlDeviceGetPersistenceMode)
        try:
            driver = _text(library.nvmlSystemGetDriverVersion())
        except library.NVMLError:
            driver = None
        return {
            "driver": driver,
            "max_sm_clock_mhz": self._ask(library.nvmlDeviceGetMaxClockInfo, library.NVML_CLOCK_SM),
            "max_memory_clock_mhz": self._ask(library.nvmlDeviceGetMaxClockInfo, library.NVML_CLOCK_MEM),
            "power_limit_w": None if limit is None else limit / 1000,
            "persistence": None if persistence is None else bool(persistence),
        }

    def read(self, work: Callable[[], object]) -> Reading:
        """Energy of some work by the GPU's counter (Volta and later), else by its power.

        NVML counts millijoules since the driver was loaded, and gives power in milliwatts. Clocks are medians of
        samples taken meanwhile.

        Raises:
            NotMeasuredError: the GPU has neither, or NVML fails.
        """
        samples = [self._sample()]
        before = self._ask(self._library.nvmlDeviceGetTotalEnergyConsumption)
        begin = time.perf_counter()
        with watching(lambda: samples.append(self._sample()), INTERVAL):
            work()
        seconds = time.perf_counter() - begin
        after = self._ask(self._library.nvmlDeviceGetTotalEnergyConsumption)
        samples.append(self._sample())
        clocks = {
            "sm_clock_mhz": _median([sample.sm_mhz for sample in samples]),
            "memory_clock_mhz": _median([sample.memory_mhz for sample in samples]),
        }
        if before is not None and after is not None:
            return Reading(millijoules=after - before, seconds=seconds, method=COUNTER, figures=clocks)
        seen = [(sample.seconds, sample.power_mw) for sample in samples if sample.power_mw is not None]
        if len(seen) < len(samples):
            raise NotMeasuredError(f"no energy: NVML gives neither energy nor power of this GPU: {self._why()}")
        millijoules = integral(*zip(*seen, strict=True))  # mW · s
        return Reading(millijoules=millijoules, seconds=seen[-1][0] - seen[0][0], method=SAMPLED, figures=clocks)

    def _sample(self) -> _Sample:
        library = self._library
        return _Sample(
            time.perf_counter(),
            self._ask(library.nvmlDeviceGetPowerUsage),
            self._ask(library.nvmlDeviceGetClockInfo, library.NVML_CLOCK_SM),
            self._ask(library.nvmlDeviceGetClockInfo, library.NVML_CLOCK_MEM),
        )

    def _ask(self, question: Callable[..., Any], *more: Any) -> Any:
        """None where the answer is an error: most GPUs lack something."""
        try:
            return question(self._handle, *more)
        except self._library.NVMLError:
            return None

    def _why(self) -> str:
        try:
            self._library.nvmlDeviceGetPowerUsage(self._handle)
        except self._library.NVMLError as error:
            return str(error)
        return "it failed for a while"


def open_gpu(uuid: str) -> Gpu:
    """The GPU with this UUID; CUDA counts devices in another order than NVML.

    Raises:
        NotMeasuredError: no pynvml, no driver's library, or it does not know the GPU.
    """
    try:
        library = import_module("pynvml")  # optional: only where CUDA is
    except ImportError as error:
        raise NotMeasuredError(MISSING) from error
    try:
        library.nvmlInit()  # to the end of the process
        return Gpu(library, library.nvmlDeviceGetHandleByUUID(uuid if uuid.startswith("GPU-") else f"GPU-{uuid}"))
    except library.NVMLError as error:
        raise NotMeasuredError(f"no energy: NVML fails: {error}") from error


def _median(values: list[int | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _text(value: str | bytes) -> str:
    """Older modules give bytes."""
    return value.decode() if isinstance(value, bytes) else value
