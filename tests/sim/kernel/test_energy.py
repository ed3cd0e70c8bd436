from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sim.kernel import energy
from sim.kernel.energy import NoMeter, NotMeasuredError, RaplMeter, Reading, cpu_meter, energy_of_a_run, idle_power


def test_integral_by_hand() -> None:
    """Trapezoids of unequal width; one sample has no width."""
    assert energy.integral([0, 1, 3], [2, 4, 0]) == 3 + 4
    assert energy.integral([5], [9]) == 0


class Counting:
    """A meter of runs that take `mj` each, and `seconds`."""

    def __init__(self, mj: float, seconds: float) -> None:
        self.mj, self.seconds, self.calls = mj, seconds, list[int]()

    def runs_of(self, count: int) -> None:
        self.calls.append(count)

    def read(self, work: Callable[[], object]) -> Reading:
        before = len(self.calls)
        work()
        runs = sum(self.calls[before:])
        return Reading(millijoules=runs * self.mj, seconds=runs * self.seconds, method="m", figures={"x": 1})


def test_energy_is_of_one_run() -> None:
    """Of a window of 2 s after a second of the same; mean power in watts is joules over seconds."""
    meter = Counting(mj=250.0, seconds=0.004)
    assert energy_of_a_run(meter.runs_of, 4.0, meter) == {
        "energy_mj": 250.0,
        "energy_method": "m",
        "energy_missing": None,
        "power_w": 62.5,
        "energy_runs": 500,
        "x": 1,
    }
    assert meter.calls == [250, 500]


def test_a_long_run_is_measured_once() -> None:
    """The window is never empty."""
    meter = Counting(mj=9000.0, seconds=7.0)
    assert energy_of_a_run(meter.runs_of, 7000.0, meter)["energy_runs"] == 1


def test_no_energy_has_a_reason() -> None:
    """No meter: nothing is run for it. A meter that fails, or stands still: its words."""
    calls: list[int] = []
    nothing = {"energy_mj": None, "energy_method": None}
    assert energy_of_a_run(calls.append, 4.0, NoMeter("why")) == nothing | {"energy_missing": "why"}
    assert calls == []
    still = energy_of_a_run(calls.append, 4.0, Counting(0.0, 0.004))
    assert still["energy_mj"] is None
    assert "stood still" in still["energy_missing"]


def test_power_at_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Watts, or null."""
    monkeypatch.setattr(energy, "IDLE_S", 0.0)
    meter = Counting(0, 0)
    meter.read = lambda work: Reading(millijoules=68_000, seconds=2.0, method="m")
    assert idle_power(meter) == 34.0
    assert idle_power(NoMeter("why")) is None


def rapl(folder: Path, name: str, microjoules: int, turn: int = 1_000_000) -> Path:
    folder.mkdir(parents=True)
    (folder / "name").write_text(f"{name}\n")
    (folder / "energy_uj").write_text(f"{microjoules}\n")
    (folder / "max_energy_range_uj").write_text(f"{turn}\n")
    return folder


def test_rapl_adds_packages_and_wraps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """0.3 J and, over a turn, 0.2 J; parts of a package are not counted twice, nor is what is no package."""
    first = rapl(tmp_path / "intel-rapl:0", "package-0", 100_000)
    second = rapl(tmp_path / "intel-rapl:1", "package-1", 900_000)
    part = rapl(tmp_path / "intel-rapl:0:0", "core", 0)
    psys = rapl(tmp_path / "intel-rapl:2", "psys", 0)
    monkeypatch.setattr(energy, "RAPL", tmp_path)

    def work() -> None:
        (first / "energy_uj").write_text("400000\n")
        (second / "energy_uj").write_text("100000\n")
        for other in (part, psys):
            (other / "energy_uj").write_text("77000\n")

    reading = cpu_meter().read(work)
    assert reading.millijoules == 500
    assert reading.method == "RAPL package counters"


def test_rapl_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No counters, counters that are kept for root, counters that go away: a sentence each."""
    monkeypatch.setattr(energy, "RAPL", tmp_path)
    meter = cpu_meter()
    assert isinstance(meter, NoMeter)
    assert "no RAPL counter" in meter.reason
    folder = rapl(tmp_path / "intel-rapl:0", "package-0", 1)
    meter = RaplMeter([folder])
    (folder / "energy_uj").unlink()
    with pytest.raises(NotMeasuredError, match="keep it for root"):
        meter.read(lambda: None)
    meter = cpu_meter()
    assert isinstance(meter, NoMeter)
    assert "keep it for root" in meter.reason
