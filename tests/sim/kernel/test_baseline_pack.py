from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from golden.errors import InputError
from sim.engines import ENGINES
from sim.kernel.baseline import load
from sim.kernel.baseline_pack import THERE, closure, read_records, write_pack
from sim.kernel.problem import Problem
from tests.sim.conftest import Tessera

#: Runs a pack where nothing is installed but torch and NumPy.
ALONE = f"""
import runpy, sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in {("click", "rich", "amaranth", "cocotb", "PIL", "plyfile", "pytest")!r}:
            raise ImportError(name + ' is blocked')
sys.meta_path.insert(0, Block())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name='__main__')
"""


def small(scene: Path) -> list[Problem]:
    """Of every engine some problems that take no time."""
    asked: dict[str, tuple[list[str], int]] = {
        "splat": ([str(scene)], 24), "lod": ([str(scene)], 24), "kv": (["synthetic"], 64), "cluster": (["reduce"], 0),
        "radiance": (["synthetic:4"], 16),
    }  # fmt: skip
    return [p for name, (inputs, size) in asked.items() for p in ENGINES[name].baseline().problems(inputs, size)]


def test_a_pack_runs_with_torch_alone(
    tessera: Tessera, scene_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of ours is on its path; its records are taken, and stand beside those of this machine."""
    monkeypatch.setattr("sim.kernel.baseline.SIM", tmp_path / "none")
    monkeypatch.setattr("sim.kernel.baseline.LOCAL", tmp_path / "build")
    pack = tmp_path / "there" / "pack.pyz"
    problems = small(scene_file)
    assert write_pack(pack, problems) == len(problems)
    done = subprocess.run(
        [sys.executable, "-I", "-c", ALONE, pack.name], cwd=pack.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "splat, float32 reference in torch: " in done.stdout
    records = pack.parent / "tessera-records.json"
    assert {engine for engine, _ in read_records(records, ENGINES)} == set(ENGINES)
    outcome = tessera("baseline", "--import", records)
    assert outcome.status == 0
    for engine in ENGINES:
        (record,) = load(engine)
        names = {json.dumps(p.workload, sort_keys=True) for p in problems if p.engine == engine}
        assert {json.dumps(e["workload"], sort_keys=True) for e in record["entries"]} == names
        assert all(entry["median_ms"] > 0 and entry["commit"] for entry in record["entries"])


def test_the_command_packs_more_views(tessera: Tessera, scene_file: Path, tmp_path: Path) -> None:
    """The view that is compared and 20 around the scene, each for both methods."""
    outcome = tessera("baseline", "splat", "--input", scene_file, "--size", 16, "--export", tmp_path / "p.pyz")
    assert outcome.status == 0
    assert "42 workloads" in outcome.out
    assert (tmp_path / "p.pyz").stat().st_size < 1_000_000


@pytest.mark.parametrize(
    ("engine", "source"), [("kv", "synthetic"), ("radiance", "synthetic:4"), ("cluster", "decode")]
)
def test_other_draws_are_no_reports(engine: str, source: str) -> None:
    """Every one is another workload with other inputs, and the one that is compared stands first and alone."""
    made = list(ENGINES[engine].baseline().problems([source], 64, views=2))
    views = {json.dumps(p.workload, sort_keys=True): p for p in made}
    assert [p.workload.get("view") for p in views.values()][:3] == [None, "0/2", "1/2"]
    whole = [torch.cat([tensor.flatten().double() for tensor in p.inputs.values()]) for p in list(views.values())[:3]]
    assert not any(torch.equal(whole[a], whole[b]) for a, b in ((0, 1), (0, 2), (1, 2)))


def test_a_pack_is_what_torch_alone_can_run() -> None:
    """The kernels of every engine and the protocol import nothing else, at whatever depth; what does is refused."""
    found = closure(["sim.kernel.packed", *(f"sim.{engine}.kernels" for engine in ENGINES)])
    assert {"golden.cluster.dataflows", "sim.kernel.nvml", "sim.kernel.timing", "sim.kernel.gpu_code"} <= found
    of_a_gpu = {"lod.triton_cut", "kv.triton_retrieval", "cluster.triton_kernels", "cluster.cluster_kernels"}
    assert {f"sim.{name}" for name in of_a_gpu} <= found
    assert {"torch", "numpy", "gsplat", "pynvml", "triton"} == THERE
    with pytest.raises(ValueError, match=r"imports .*: a pack has torch alone"):
        closure(["sim.kernel.console"])
    with pytest.raises(ValueError, match=r"imports from the package golden\.scenes: a pack has modules alone"):
        closure(["golden.splat.traffic"])


ENTRY: dict[str, Any] = {
    "workload": {"scene": "a"}, "method": "m", "median_ms": 2.0, "spread_ms": 0.1, "runs_ms": [2.0], "energy_mj": None,
    "energy_method": None, "energy_missing": "none", "torch": "2", "commit": "c",
}  # fmt: skip
RECORD: dict[str, Any] = {"engine": "splat", "device": {"kind": "cuda", "name": "G"}, "entries": [ENTRY]}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("[", "records cannot be read"),
        ("[]", "records of a packed baseline have schema 1"),
        (json.dumps({"schema": 1, "records": [RECORD | {"engine": "x"}]}), "record 1: engine must be one of splat, kv"),
        (
            json.dumps({"schema": 1, "records": [RECORD | {"device": {"name": "G"}}]}),
            "record 1: device must have a name",
        ),
        (json.dumps({"schema": 1, "records": [RECORD, RECORD | {"entries": []}]}), "record 2: entries must be a list"),
        (json.dumps({"schema": 1, "records": [RECORD | {"entries": [{}]}]}), "an entry lacks workload, method, median"),
        (
            json.dumps({"schema": 1, "records": [RECORD | {"entries": [ENTRY | {"median_ms": 0}]}]}),
            "median_ms must be above 0, it is 0",
        ),
        (
            json.dumps({"schema": 1, "records": [RECORD | {"entries": [ENTRY | {"energy_mj": "3"}]}]}),
            "energy_mj must be above 0, it is '3'",
        ),
    ],
)
def test_records_that_are_none_are_one_line(tmp_path: Path, text: str, rule: str) -> None:
    """Whatever came back; nothing is written."""
    path = tmp_path / "r.json"
    path.write_text(text)
    with pytest.raises(InputError, match=rule) as caught:
        read_records(path, ENGINES)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ((), "baseline takes an ENGINE, --export FILE or --import FILE"),
        (("--export", "{folder}/a", "--import", "{folder}/b"), "give one of them"),
        (("--export", "{folder}/a", "--input", "x"), "--input is of one engine: name it"),
        (("--import", "{folder}/none.json"), "records cannot be read"),
    ],
)
def test_what_makes_no_sense_is_one_line(tessera: Tessera, tmp_path: Path, options: tuple[str, ...], rule: str) -> None:
    """With status 2."""
    outcome = tessera("baseline", *(option.format(folder=tmp_path) for option in options))
    assert outcome.status == 2
    assert rule in " ".join(outcome.err.split())
