"""A machine with a GPU, simulated: what records and tables say of it."""

from __future__ import annotations

import itertools
import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from sim.kernel import energy, processors
from sim.splat import kernels
from tests.sim.conftest import Tessera
from tests.sim.kernel.fake_gpu import PROPERTIES, FakeCuda, FakeNvml

JOULES = 0.02  # between two questions


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeNvml:
    """A machine with a GPU where a run takes 4 ms and the counter moves 20 mJ in each window of five runs."""
    gpu, library, asked = FakeCuda(run_ms=4), FakeNvml(), itertools.count()
    library.joules = lambda: JOULES * next(asked)
    monkeypatch.setitem(sys.modules, "pynvml", library)
    for name, value in {
        "is_available": lambda: True,
        "get_device_properties": lambda _: PROPERTIES,
        "Event": gpu.Event,
        "synchronize": gpu.synchronize,
    }.items():
        monkeypatch.setattr(torch.cuda, name, value)
    for name, seconds in (("LEAD_S", 0.001), ("WINDOW_S", 0.02), ("IDLE_S", 0.01)):
        monkeypatch.setattr(energy, name, seconds)
    monkeypatch.setattr("sim.kernel.baseline.SIM", tmp_path / "none")
    monkeypatch.setattr("sim.kernel.baseline.LOCAL", tmp_path / "build")
    return library


def test_a_gpu_is_described(driver: FakeNvml) -> None:
    """By torch and by NVML, found by its UUID; with the power it draws at rest."""
    about = dict(processors.cuda().about)
    assert 0 < about.pop("idle_w") <= 1000 * JOULES / 10  # 20 mJ in 10 ms or, on a busy machine, more
    assert about == {
        "kind": "cuda",
        "name": "Stand-in 9000",
        "multiprocessors": 132,
        "memory_gib": 80.0,
        "cuda": torch.version.cuda,
        "driver": "999.01",
        "max_sm_clock_mhz": 2100,
        "max_memory_clock_mhz": 2700,
        "power_limit_w": 450.0,
        "persistence": True,
    }


def test_without_pynvml_there_are_times_and_a_reason(driver: FakeNvml, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else is lost, and the way out is named."""
    monkeypatch.setitem(sys.modules, "pynvml", None)
    gpu = processors.cuda()
    assert "driver" not in gpu.about
    measured = gpu.measure(lambda: None)
    assert (measured["median_ms"], measured["timer"], measured["energy_mj"]) == (4.0, "CUDA events", None)
    assert re.search(r"pynvml is not installed: .*pip install -e '.\[gpu\]'", measured["energy_missing"])


def test_work_ends_within_the_window(driver: FakeNvml, monkeypatch: pytest.MonkeyPatch) -> None:
    """The counter is read when the GPU has done the runs, not when the host has handed them over."""
    handed, done = [0], [0]
    wait = torch.cuda.synchronize

    def finish() -> None:
        done[0] = handed[0]
        wait()

    def run() -> None:
        handed[0] += 1

    monkeypatch.setattr(torch.cuda, "synchronize", finish)
    driver.joules = lambda: 0.5 * done[0]
    assert processors.cuda().measure(run)["energy_mj"] == 500.0


LINES = {
    "splat": ("--input {scene} --size 24", "render {scene} --size 24x24 --orbit 2/6 --out {folder}/f.png"),
    "lod": ("--input {scene} --size 24", "lod {scene} --tau 3 --size 24x24"),
    "kv": ("--input synthetic --size 64", "retrieve synthetic --tokens 64"),
    "cluster": ("--input reduce", "reduce --size 1024"),
    "radiance": ("--input synthetic:4 --size 24", "reuse synthetic:4 --size 24"),
}


@pytest.mark.parametrize("engine", LINES)
def test_every_engine_measures_a_gpu(
    tessera: Tessera, scene_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, driver: FakeNvml, engine: str
) -> None:
    """Time by events, energy by NVML, clocks: in the record, in the table, and beside the report of the same work."""
    make = processors.cuda
    monkeypatch.setattr(processors, "cuda", lambda: replace(make(), place="cpu"))  # where torch can compute
    if engine == "splat":
        monkeypatch.setitem(sys.modules, "gsplat", SimpleNamespace(rasterization=lambda draw: (draw()[None],)))
        draw = kernels.KERNELS["reference"].make
        monkeypatch.setattr(kernels, "gsplat_arguments", lambda inputs, told: {"draw": draw(inputs, told)})
    measure, run = (line.format(scene=scene_file, folder=tmp_path).split() for line in LINES[engine])
    outcome = tessera("baseline", engine, *measure)
    assert (outcome.status, outcome.err) == (0, "")
    assert "Stand-in 9000: energy by NVML energy counter, what the device draws at rest included" in outcome.out
    record = json.loads((tmp_path / "build" / engine / "measured-stand-in-9000.json").read_text())
    assert record["device"]["power_limit_w"] == 450
    for entry in record["entries"]:
        names = ("median_ms", "spread_ms", "timer", "energy_mj", "energy_runs", "sm_clock_mhz")
        found = [entry[name] for name in names]
        assert found == [4.0, 0.0, "CUDA events", 4.0, 5, 1980]
    report = json.loads(tessera(*run, "--backend", "model", "--json").out) | {"cycles": 500_000}
    (tmp_path / "r.json").write_text(json.dumps(report))
    (row,) = json.loads(tessera("compare", tmp_path / "r.json", "--json", "-o", tmp_path).out)["rows"]
    found_there = [rival["energy"] for rival in row["rivals"] if rival["device"] == "Stand-in 9000"]
    energies = [(energy["number"], energy["note"]) for energy in found_there]
    assert energies
    assert set(energies) == {(4.0, "NVML energy counter")}


@pytest.mark.parametrize(
    ("gpu", "cuda", "said"),
    [
        (None, None, "no CUDA device at hand"),
        ("nvidia-smi", None, r"a GPU is at hand, but this torch \(.*\) is a CPU build: .*pip install"),
        ("nvidia-smi", "13.0", "cannot use it"),
    ],
)
def test_why_no_gpu_was_measured(monkeypatch: pytest.MonkeyPatch, gpu: str | None, cuda: str | None, said: str) -> None:
    """A CPU build of torch on a machine with a GPU is named, with the way out."""
    monkeypatch.setattr(processors.shutil, "which", lambda _: gpu)
    monkeypatch.setattr(torch.version, "cuda", cuda)
    assert re.search(said, processors.gpu_remark())


def test_a_gpu_without_its_kernels_leaves_the_cpu(
    tessera: Tessera, scene_file: Path, driver: FakeNvml, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The CPU's times stand, and a remark says what is missing."""
    monkeypatch.setitem(sys.modules, "gsplat", None)
    outcome = tessera("baseline", "splat", "--input", scene_file, "--size", 24)
    assert outcome.status == 0
    assert "gsplat is not installed" in outcome.out
