from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from sim.kernel import timing
from sim.kernel.timing import CudaTimer, WallTimer, time_runs
from tests.sim.kernel.fake_gpu import FakeCuda


class Clock:
    """A wall's clock that runs turn."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.calls = 5.0, 0
        monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=lambda: self.now))

    def run(self, seconds: float) -> None:
        self.calls += 1
        self.now += seconds


def test_ten_warm_ups_and_fifty_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """In milliseconds, by median and quartiles; warm-ups, slower here, are not in them."""
    clock = Clock(monkeypatch)
    timed = time_runs(lambda: clock.run(0.1 if clock.calls < 10 else (clock.calls - 9) / 1000), WallTimer())
    assert timed["runs_ms"] == [float(k + 1) for k in range(50)]
    assert (timed["median_ms"], timed["spread_ms"], timed["timer"]) == (25.5, 24.5, "wall clock")
    assert clock.calls == 60


@pytest.mark.parametrize(("seconds", "runs", "calls"), [(0.125, 50, 60), (0.5, 20, 24), (30.0, 7, 9)])
def test_slow_work_is_run_less_often(monkeypatch: pytest.MonkeyPatch, seconds: float, runs: int, calls: int) -> None:
    """As often as 10 s allow, seven times at least; warm-ups are fewer with it."""
    clock = Clock(monkeypatch)
    assert len(time_runs(lambda: clock.run(seconds), WallTimer())["runs_ms"]) == runs
    assert clock.calls == calls


def test_cuda_events_time_the_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run by its own two events, whatever the host's clock says; they are read after the GPU has done all."""
    gpu = FakeCuda()
    monkeypatch.setattr(torch.cuda, "Event", gpu.Event)
    monkeypatch.setattr(torch.cuda, "synchronize", gpu.synchronize)
    runs = iter(range(1, 61))
    timed = time_runs(lambda: gpu.work(next(runs) / 4), CudaTimer())
    assert timed["runs_ms"] == [(k + 11) / 4 for k in range(50)]
    assert (timed["median_ms"], timed["timer"]) == (8.875, "CUDA events")
