from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from hw.generate import ROOT
from sim.kernel import baseline as record
from sim.kernel.baseline import WrongAnswerError, load, published, time_runs
from sim.kernel.comparison import comparison_rows
from sim.splat import baseline as splat


@pytest.fixture(autouse=True)
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Records go to a folder of their own."""
    monkeypatch.setattr(record, "SIM", tmp_path)
    return tmp_path / "splat"


def test_time_runs_keeps_every_run_and_the_median(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs after the warm-up count, in milliseconds, with the end of asynchronous work inside."""
    clock = iter([0] * record.WARM_UP + [*(t for k in range(record.RUNS) for t in (0, (k + 1) ** 2 / 1000))])
    monkeypatch.setattr(record.time, "perf_counter", lambda: next(clock))
    calls: list[str] = []
    timed = time_runs(lambda: calls.append("run"), wait=lambda: calls.append("wait"))
    assert timed == {"median_ms": 16.0, "runs_ms": [(k + 1) ** 2 for k in range(record.RUNS)]}
    assert calls == ["wait", "run", "wait"] * (record.WARM_UP + record.RUNS)


def test_the_cpu_is_measured(scene_file: Path, measured: Path) -> None:
    """A record says device, method, commit, and for each workload its times; `load` finds it."""
    paths, _ = splat.measure([str(scene_file)], size=24)
    assert all(path.parent == measured for path in paths)
    (entry,) = [e for e in load("splat") if e["device"]["kind"] == "cpu"]
    assert {"schema", "engine", "commit", "device", "torch", "method", "entries"} == set(entry)
    (run,) = entry["entries"]
    assert run["workload"] == {"scene": "small.ply", "gaussians": 300, "view": "1/3", "size": "24x24"}
    assert len(run["runs_ms"]) == record.RUNS
    assert min(run["runs_ms"]) <= run["median_ms"] <= max(run["runs_ms"])
    assert entry["device"]["threads"] >= 1


@pytest.fixture
def fake_gpu(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """A stand-in for the GPU's rasteriser: the reference's picture times a `gain`."""
    settings = {"gain": 1.0}
    cameras: list[Any] = []

    def arguments(scene: Any, camera: Any, device: str) -> dict[str, Any]:
        cameras[:] = [(scene, camera)]
        return {}

    def rasterization() -> tuple[torch.Tensor, None, None]:
        return splat.render(*cameras[0])[None] * settings["gain"], None, None

    monkeypatch.setitem(sys.modules, "gsplat", SimpleNamespace(rasterization=rasterization))
    monkeypatch.setattr(splat, "gsplat_arguments", arguments)
    monkeypatch.setattr(splat, "cuda_device", lambda: {"kind": "cuda", "name": "Stand-in 1"})
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    return settings


def test_a_right_answer_is_recorded(scene_file: Path, measured: Path, fake_gpu: dict[str, float]) -> None:
    """Its distance from the reference stands beside its time, in a file named by the device."""
    path = splat.measure_cuda([str(scene_file)], size=24)
    assert path == measured / "measured-stand-in-1.json"
    (entry,) = json.loads(path.read_text())["entries"]
    assert entry["psnr_db"] >= splat.MIN_DB
    assert entry["median_ms"] > 0


def test_a_wrong_answer_is_no_baseline(scene_file: Path, measured: Path, fake_gpu: dict[str, float]) -> None:
    """Another picture is refused, and its time is not kept."""
    fake_gpu["gain"] = 0.8
    with pytest.raises(WrongAnswerError, match=r"gsplat draws small.ply at .* dB from the reference, below 40"):
        splat.measure_cuda([str(scene_file)], size=24)
    assert not list(measured.glob("*"))


def test_only_the_same_workload_is_compared(measured: Path) -> None:
    """A baseline of the report's frame is a row with its ratio; another size or scene is none."""
    same = {"scene": "a", "gaussians": 5, "view": "1/3", "size": "8x8"}
    entries = [{"workload": w, "median_ms": 3.0} for w in (same, same | {"size": "9x9"}, same | {"scene": "b"})]
    record.save("splat", {"kind": "cpu", "name": "Slow"}, "m", entries)
    report = {"engine": "splat", "cycles": 500_000, "memory": {}, "workload": {**same, "sh_degree": 2}}
    rows = comparison_rows(report)
    assert [(row[0], row[3], row[4]) for row in rows] == [("RTL at 1 GHz", "0.500", "1"), ("Slow", "3.000", "6.0")]
    assert comparison_rows(report, 2.0)[1][4] == "12.0"


def test_published_figures_have_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    """No figure of others without the place where it is written; an unknown engine has none."""
    monkeypatch.setattr(record, "SIM", ROOT / "sim")
    assert published("splat")
    assert all(set(figure) == {"design", "what", "source"} and figure["source"] for figure in published("splat"))
    assert published("nothing") == []
