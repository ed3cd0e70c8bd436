from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from sim.kernel import nvml
from sim.kernel.energy import NotMeasuredError
from sim.kernel.nvml import Gpu, open_gpu
from tests.sim.kernel.fake_gpu import UUID, FakeNvml

COUNTER, POWER = "nvmlDeviceGetTotalEnergyConsumption", "nvmlDeviceGetPowerUsage"
CLOCK, MOST = "nvmlDeviceGetClockInfo", "nvmlDeviceGetMaxClockInfo"


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> FakeNvml:
    """In place of the module `pynvml`."""
    fake = FakeNvml()
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    return fake


class Hours:
    """A clock that the test turns, and the sampling thread's place taken by it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.look: Callable[[], None] = lambda: None

    @contextmanager
    def watching(self, look: Callable[[], None], interval: float) -> Iterator[None]:
        self.look = look
        yield

    def pass_(self, *steps: float) -> None:
        """After each step a sample."""
        for step in steps:
            self.now += step
            self.look()


@pytest.fixture
def hours(monkeypatch: pytest.MonkeyPatch) -> Hours:
    clock = Hours()
    monkeypatch.setattr(nvml.time, "perf_counter", lambda: clock.now)
    monkeypatch.setattr(nvml, "watching", clock.watching)
    return clock


def test_what_a_gpu_says_of_itself(driver: FakeNvml) -> None:
    """Driver, clocks in MHz, limit in watts; null for what it does not say."""
    assert open_gpu(UUID).about() == {
        "driver": "999.01",
        "max_sm_clock_mhz": 2100,
        "max_memory_clock_mhz": 2700,
        "power_limit_w": 450.0,
        "persistence": True,
    }
    driver.lacks = {MOST, "nvmlDeviceGetEnforcedPowerLimit", "nvmlDeviceGetPersistenceMode"}
    assert set(open_gpu(f"GPU-{UUID}").about().values()) == {"999.01", None}


def test_the_counter_is_millijoules(driver: FakeNvml, hours: Hours) -> None:
    """300 J in 2 s are 300,000 mJ, by the counter although there is power too, with the clocks under load."""
    driver.joules = lambda: 150 * (hours.now - 1000)
    driver.watts = lambda: 1.0
    reading = open_gpu(UUID).read(lambda: hours.pass_(0.5, 0.5, 1.0))
    assert (reading.millijoules, reading.seconds, reading.method) == (300_000, 2.0, "NVML energy counter")
    assert reading.figures == {"sm_clock_mhz": 1980, "memory_clock_mhz": 2619}


def test_a_ramp_of_power_has_its_integral(driver: FakeNvml, hours: Hours) -> None:
    """Without a counter: 40 W rising by 100 W a second for 2 s is 280 J, however the samples lie."""
    driver.lacks = {COUNTER}
    driver.watts = lambda: 40 + 100 * (hours.now - 1000)
    reading = open_gpu(UUID).read(lambda: hours.pass_(0.1, 0.7, 0.05, 1.15))
    assert reading.millijoules == pytest.approx(280_000, rel=1e-9)
    assert reading.seconds == 2.0
    assert reading.method == "NVML power, sampled every 20 ms and integrated"


def test_the_thread_sees_what_happens_between_the_ends(driver: FakeNvml) -> None:
    """A triangle of 0.6 s and 100 W is 30 J, though power is 0 before and after it."""
    driver.lacks = {COUNTER}
    begin = time.perf_counter() + 0.05
    driver.watts = lambda: 100 * max(0.0, 1 - abs((time.perf_counter() - begin) / 0.3 - 1))
    reading = open_gpu(UUID).read(lambda: time.sleep(0.75))
    assert reading.millijoules == pytest.approx(30_000, rel=0.1)
    assert reading.figures["sm_clock_mhz"] == 1980


def test_a_counter_that_fails_meanwhile_leaves_the_power(driver: FakeNvml, hours: Hours) -> None:
    """No difference is made of one reading."""

    def work() -> None:
        hours.pass_(1.0, 1.0)
        driver.lacks = {COUNTER}

    reading = open_gpu(UUID).read(work)
    assert (reading.millijoules, reading.method) == (140_000, nvml.SAMPLED)


def test_neither_counter_nor_power(driver: FakeNvml, hours: Hours) -> None:
    """Says what NVML says, also if power fails only for a while; clocks that are lacking are null."""
    driver.lacks = {COUNTER, POWER, CLOCK}
    with pytest.raises(NotMeasuredError, match="neither energy nor power of this GPU: Not Supported"):
        open_gpu(UUID).read(lambda: hours.pass_(1.0))
    driver.lacks = {COUNTER}

    def gap() -> None:
        hours.pass_(1.0)
        driver.lacks = {COUNTER, POWER}
        hours.pass_(1.0)
        driver.lacks = {COUNTER}

    with pytest.raises(NotMeasuredError, match="failed for a while"):
        open_gpu(UUID).read(gap)
    driver.lacks = {CLOCK}
    assert open_gpu(UUID).read(lambda: hours.pass_(1.0)).figures == {"sm_clock_mhz": None, "memory_clock_mhz": None}


def test_why_there_is_no_meter(driver: FakeNvml, monkeypatch: pytest.MonkeyPatch) -> None:
    """No driver's library, a GPU that NVML does not know, no module: one sentence each, the last with the way out."""
    with pytest.raises(NotMeasuredError, match="NVML fails: Not Found"):
        open_gpu("of-another")
    driver.lacks = {"nvmlInit"}
    with pytest.raises(NotMeasuredError, match="NVML fails: Not Supported"):
        open_gpu(UUID)
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(NotMeasuredError, match=r"pynvml is not installed: `.venv/bin/pip install -e '.\[gpu\]'`"):
        open_gpu(UUID)


def test_the_gpu_is_the_one_that_was_asked_for(driver: FakeNvml) -> None:
    """Not the first of NVML's."""
    driver.known = {"GPU-other": object(), **driver.known}
    gpu = open_gpu(UUID)
    assert isinstance(gpu, Gpu)
    driver.known.pop(f"GPU-{UUID}")
    assert gpu.about()["power_limit_w"] is None
