"""What a workload costs in energy: a meter is a device's counter, or says why there is none."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

LEAD_S = 1.0  # of runs before the window: clocks settle, and a power that is a mean of the last second is of these runs
WINDOW_S = 2.0  # of runs: some counters move only every tenth of a second
IDLE_S = 1.0
RAPL = Path("/sys/class/powercap")


class NotMeasuredError(RuntimeError):
    """Energy cannot be had here; the text says why, and the way out where there is one."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a meter saw of some work."""

    millijoules: float  #: of the whole device, what it draws at rest included
    seconds: float
    method: str
    figures: Mapping[str, Any] = field(default_factory=dict)  #: what else was read meanwhile: clocks


class Meter(Protocol):
    """Measures the energy of a device."""

    def read(self, work: Callable[[], object]) -> Reading:
        """Does the work and says what the device took meanwhile.

        Raises:
            NotMeasuredError: it cannot be had.
        """
        ...


@dataclass(frozen=True)
class NoMeter:
    """Of a device without one."""

    reason: str

    def read(self, work: Callable[[], object]) -> Reading:
        """Raises NotMeasuredError, and does not do the work."""
        raise NotMeasuredError(self.reason)


class RaplMeter:
    """The processor's own counters by Linux's powercap: the sum of all packages, with all that runs on them.

    Args:
        packages: folders with `energy_uj`, in microjoules, which wraps at `max_energy_range_uj`.

    Raises:
        NotMeasuredError: a counter cannot be read.
    """

    def __init__(self, packages: Sequence[Path]) -> None:
        self._counters = [folder / "energy_uj" for folder in packages]
        self._ranges = [_microjoules(folder / "max_energy_range_uj") for folder in packages]
        self._now()

    def read(self, work: Callable[[], object]) -> Reading:
        """Counters before and after; right for less than one turn of them, minutes at least."""
        before, begin = self._now(), time.perf_counter()
        work()
        after, seconds = self._now(), time.perf_counter() - begin
        spent = sum((b - a) % turn for a, b, turn in zip(before, after, self._ranges, strict=True))
        return Reading(millijoules=spent / 1000, seconds=seconds, method="RAPL package counters")

    def _now(self) -> list[int]:
        return [_microjoules(path) for path in self._counters]


def cpu_meter() -> Meter:
    """RAPL where it can be read."""
    packages = [
        folder
        for folder in sorted(RAPL.glob("intel-rapl:*"))  # AMD's too
        if (folder / "name").exists() and (folder / "name").read_text().startswith("package")
    ]
    if not packages:
        return NoMeter(f"no energy: the processor has no RAPL counter under {RAPL}")
    try:
        return RaplMeter(packages)
    except NotMeasuredError as error:
        return NoMeter(str(error))


def _microjoules(path: Path) -> int:
    try:
        return int(path.read_text())
    except (OSError, ValueError) as error:
        raise NotMeasuredError(f"no energy: RAPL cannot be read, most systems keep it for root: {error}") from error


def energy_of_a_run(runs_of: Callable[[int], object], median_ms: float, meter: Meter) -> dict[str, Any]:
    """Energy of one run in millijoules: that of `WINDOW_S` seconds of runs, one after another, over their number.

    Args:
        runs_of: does so many runs and waits for their end.
        median_ms: the time of one.

    Returns:
        For a record: `energy_mj`, `energy_method` and `energy_missing`. Where there is no energy the first two are null
        and the third is the reason; else the third is null, and `power_w` (the mean), `energy_runs` and what the meter
        read beside them follow.
    """
    runs = _runs_in(WINDOW_S, median_ms)

    def window() -> None:
        runs_of(runs)

    try:
        if not isinstance(meter, NoMeter):
            runs_of(_runs_in(LEAD_S, median_ms))
        reading = meter.read(window)
    except NotMeasuredError as error:
        return _missing(str(error))
    if not reading.millijoules > 0:
        return _missing(f"no energy: {reading.method} stood still for {reading.seconds:.3g} s of {runs} runs")
    return {
        "energy_mj": _rounded(reading.millijoules / runs),
        "energy_method": reading.method,
        "energy_missing": None,
        "power_w": _rounded(reading.millijoules / 1000 / reading.seconds),
        "energy_runs": runs,
        **reading.figures,
    }


def idle_power(meter: Meter) -> float | None:
    """Watts of a device that is left alone for `IDLE_S` seconds; None where they cannot be had."""
    try:
        reading = meter.read(lambda: time.sleep(IDLE_S))
    except NotMeasuredError:
        return None
    return _rounded(reading.millijoules / 1000 / reading.seconds)


def integral(times: Sequence[float], values: Sequence[float]) -> float:
    """The area under the straight lines between samples: ∑ (t[k+1] − t[k]) · (v[k] + v[k+1]) / 2."""
    samples = zip(times, values, strict=True)
    return sum((t1 - t0) * (v0 + v1) / 2 for (t0, v0), (t1, v1) in pairwise(samples))


def _missing(reason: str) -> dict[str, Any]:
    return {"energy_mj": None, "energy_method": None, "energy_missing": reason}


def _runs_in(seconds: float, median_ms: float) -> int:
    return math.ceil(1000 * seconds / max(median_ms, 1e-3))


def _rounded(value: float) -> float:
    """To the four digits that a counter may be good for, at most."""
    return float(f"{value:.4g}")
