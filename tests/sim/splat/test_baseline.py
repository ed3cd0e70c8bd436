from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from golden.errors import InputError
from sim.kernel import baseline as record
from sim.kernel import timing
from sim.kernel.baseline import load
from sim.kernel.comparison import baseline_figures, rtl_figures
from sim.kernel.energy import NoMeter, NotMeasuredError
from sim.kernel.problem import WrongAnswerError, solve
from sim.kernel.processor import Processor
from sim.kernel.timing import WallTimer
from sim.splat import baseline as splat
from sim.splat import kernels


@pytest.fixture(autouse=True)
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Records go to a folder of their own, and none are there."""
    monkeypatch.setattr(record, "SIM", tmp_path / "tree")
    monkeypatch.setattr(record, "LOCAL", tmp_path / "build")
    return tmp_path / "build"


def test_the_cpu_is_measured(scene_file: Path, measured: Path) -> None:
    """A record says the device, and for each workload method, threads, commit and times; `load` finds it."""
    (one,), _ = splat.measure([str(scene_file)], size=24)
    assert record.save("splat", one, measured).parent == measured / "splat"
    (found,) = load("splat")
    assert set(found) == {"schema", "engine", "device", "entries"}
    assert found["device"]["kind"] == "cpu"
    (run,) = found["entries"]
    assert run["workload"] == {"scene": "small.ply", "gaussians": 300, "view": "1/3", "size": "24x24", "near": 0.2}
    assert timing.LEAST_RUNS <= len(run["runs_ms"]) <= timing.RUNS
    assert min(run["runs_ms"]) <= run["median_ms"] <= max(run["runs_ms"])
    assert run["threads"] >= 1
    assert (run["method"], run["torch"]) == ("float32 reference in torch", torch.__version__)


@pytest.fixture
def fake_gpu(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """A stand-in for the GPU's rasteriser: the reference's picture times a `gain`."""
    settings = {"gain": 1.0}

    def arguments(inputs: Any, told: Any) -> dict[str, Any]:
        return {"draw": kernels.KERNELS["reference"].make(inputs, told)}

    def rasterization(draw: Any) -> tuple[torch.Tensor, None, None]:
        return draw()[None] * settings["gain"], None, None

    monkeypatch.setitem(sys.modules, "gsplat", SimpleNamespace(rasterization=rasterization))
    monkeypatch.setattr(kernels, "gsplat_arguments", arguments)
    return settings


STAND_IN = Processor(
    place="cpu", about={"kind": "cuda", "name": "Stand-in 1"}, timer=WallTimer(), meter=NoMeter("a stand-in")
)


def on_stand_in(scene: Path) -> list[dict[str, Any]]:
    solved = [solve(problem, STAND_IN) for problem in splat.problems([str(scene)], size=24)]
    return [entry for entry in solved if entry]


def test_a_right_answer_is_recorded(scene_file: Path, measured: Path, fake_gpu: dict[str, float]) -> None:
    """Its distance from the reference stands beside its time, in a file named by the device."""
    fake_gpu["gain"] = 1.001
    path = record.save("splat", (dict(STAND_IN.about), on_stand_in(scene_file)), measured)
    assert path == measured / "splat" / "measured-stand-in-1.json"
    (entry,) = json.loads(path.read_text())["entries"]
    assert entry["psnr_db"] >= kernels.MIN_DB
    assert entry["median_ms"] > 0
    assert (entry["energy_mj"], entry["energy_missing"]) == (None, "a stand-in")


def test_a_wrong_answer_is_no_baseline(scene_file: Path, fake_gpu: dict[str, float]) -> None:
    """Another picture is refused, and its time with it."""
    fake_gpu["gain"] = 0.8
    with pytest.raises(WrongAnswerError, match=r"gsplat draws small.ply at .* dB from the reference, below 40"):
        on_stand_in(scene_file)


def test_gsplat_that_is_missing_is_named(scene_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the way out."""
    monkeypatch.setitem(sys.modules, "gsplat", None)
    with pytest.raises(NotMeasuredError, match=r"gsplat is not installed: .*pip install"):
        on_stand_in(scene_file)


def test_gsplat_gets_the_camera_as_its_origin(scene_file: Path) -> None:
    """Positions are relative to the camera, in double precision until then; the view only turns."""
    problem = next(splat.problems([str(scene_file)], size=24))
    told = kernels.gsplat_arguments(problem.inputs, problem.settings)
    view = problem.inputs["world_to_camera"]
    means: Any = told["means"]
    expected = problem.inputs["means"] @ view[:3, :3].T + view[:3, 3]
    assert torch.allclose(means.double() @ view[:3, :3].T, expected, atol=1e-5)
    viewmats: Any = told["viewmats"]
    assert viewmats[0, :3, 3].abs().max() == 0
    assert (told["width"], told["sh_degree"], told["rasterize_mode"]) == (24, 1, "classic")


def test_only_the_same_workload_is_compared(measured: Path) -> None:
    """A baseline of the report's frame is a row with its ratio; another size or scene is none."""
    same = {"scene": "a", "gaussians": 5, "view": "1/3", "size": "8x8"}
    record.save("splat", slow(same, same | {"size": "9x9"}, same | {"scene": "b"}), measured)
    report = {"engine": "splat", "cycles": 500_000, "memory": {}, "workload": {**same, "sh_degree": 2, "host_ms": 2.5}}
    rtl, host = rtl_figures(report, 1000.0, "estimated: a library")
    assert (rtl.device, rtl.ms, rtl.ratio) == ("RTL at 1000 MHz", 0.5, 1.0)
    assert rtl.kind == "cycles by simulation, clock estimated: a library"
    assert (host.ms, host.ratio) == (2.5, 5.0)
    assert len(rtl_figures(report | {"workload": report["workload"] | {"host_ms": 0.0}}, 1000.0, "")) == 1, (
        "no host was needed"
    )
    (figure,) = baseline_figures(report, 1000.0)
    assert (figure.device, figure.threads, figure.method, figure.ms, figure.ratio) == ("Slow", 3, "m", 3.0, 6.0)
    assert (figure.energy_mj, figure.energy_method) == (2.5, "a counter")
    assert (figure.row()[-1], rtl.row()[-1]) == ("2.5", "-")
    assert baseline_figures(report, 2000.0)[0].ratio == 12.0


def slow(*workloads: dict[str, Any], ms: float = 3.0) -> Any:
    """A device that was measured on these workloads."""
    device = {"kind": "cpu", "name": "Slow", "threads": 3}
    timed = {"median_ms": ms, "runs_ms": [ms], "energy_mj": 2.5, "energy_method": "a counter"}
    return device, [{"workload": workload, "method": "m", **timed} for workload in workloads]


def test_records_of_other_workloads_stay(measured: Path) -> None:
    """A workload that is measured again replaces itself alone; this machine's records come before the source tree's."""
    record.save("splat", slow({"scene": "a"}, {"scene": "b"}), record.SIM)
    record.save("splat", slow({"scene": "b"}, ms=5.0), record.SIM)
    record.save("splat", slow({"scene": "c"}), measured)
    assert [(e["workload"]["scene"], e["median_ms"]) for e in load("splat")[0]["entries"]] == [
        ("a", 3.0),
        ("b", 5.0),
        ("c", 3.0),
    ]
    record.save("splat", slow({"scene": "a"}, ms=7.0), measured)
    assert {e["workload"]["scene"]: e["median_ms"] for e in load("splat")[0]["entries"]}["a"] == 7.0


def test_a_record_of_another_schema_is_refused(measured: Path) -> None:
    """One line, not a KeyError."""
    path = record.save("splat", slow({"scene": "a"}), measured)
    path.write_text(path.read_text().replace('"schema": 2', '"schema": 1'))
    with pytest.raises(InputError, match="a record must have schema 2, it has 1"):
        load("splat")
    path.write_text("{")
    with pytest.raises(InputError, match=r"measured-slow\.json: no record that can be read"):
        load("splat")
