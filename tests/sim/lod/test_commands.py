"""`tessera lod` and `tessera render --tau`: what they write, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from golden.lod.hier_file import load_hier
from tests.golden.lod.trees import chain, fan, hier_bytes
from tests.sim.conftest import Tessera

#: The build of test_search.py.
SMALL = ("--set", "units=2", "--set", "queue_depth=2", "--latency", 20, "--stalls", 40)


@pytest.fixture
def hier_file(tmp_path: Path) -> Path:
    """A hierarchy of 13 nodes."""
    path = tmp_path / "chain.hier"
    path.write_bytes(hier_bytes(chain(7)))
    return path


@pytest.mark.parametrize("backend", ["model", "reference"])
def test_a_cut_as_numbers(backend: str, tessera: Tessera, hier_file: Path, tmp_path: Path) -> None:
    cut, report = tmp_path / "cut.npy", tmp_path / "report.json"
    outcome = tessera(
        "lod", hier_file, "--tau", 0.02, "--backend", backend, "--size", "16x16", "--cut", cut, "--report", report
    )
    assert outcome.status == 0, outcome.err
    tree = load_hier(hier_file)
    assert np.array_equal(np.load(cut), np.flatnonzero(tree.leaf))
    assert "7 of 13 nodes are on the cut, 7 of them leaves" in outcome.out
    assert json.loads(report.read_text())["workload"]["cut_nodes"] == 7
    coarse = tessera("lod", hier_file, "--tau", 10_000, "--backend", backend, "--size", "16x16")
    assert "1 of 13 nodes are on the cut" in coarse.out


@pytest.mark.parametrize("half", [True, False])
def test_a_merged_file_with_a_wide_node(half: bool, tessera: Tessera, tmp_path: Path) -> None:
    """In RTL, in the file's numbers: the infinite root and the steps are split, whatever the threshold."""
    path, cut = tmp_path / "fan.hier", tmp_path / "cut.npy"
    path.write_bytes(hier_bytes(fan(40), half=half))
    camera = ("--size", "64x64", "--cut", cut)
    for tau, nodes in ((0.1, [1, *range(3, 43)]), (5000, [1, 2])):
        for options in (("--config", "tiny", *SMALL, "--check"), ("--backend", "reference")):
            outcome = tessera("lod", path, "--tau", tau, *camera, *options)
            assert outcome.status == 0, outcome.err
            assert np.load(cut).tolist() == nodes
            assert f"{len(nodes)} of 43 nodes are on the cut" in outcome.out


@pytest.mark.parametrize("backend", ["model", "reference"])
def test_a_cut_in_the_picture(backend: str, tessera: Tessera, scene_file: Path, tmp_path: Path) -> None:
    """With a frustum the cut is a part of the cut without."""
    cuts = [tmp_path / "all.npy", tmp_path / "seen.npy"]
    place = ("--tau", 2, "--backend", backend, "--path", "walk", "--frames", 220, "--size", "64x48", "--full")
    for file, option in zip(cuts, ([], ["--frustum"]), strict=True):
        outcome = tessera("lod", scene_file, *place, *option, "--cut", file)
        assert outcome.status == 0, outcome.err
    whole, seen = (np.load(file) for file in cuts)
    assert np.isin(seen, whole).all()
    assert 0 < len(seen) < 0.9 * len(whole)


def test_a_path(tessera: Tessera, scene_file: Path) -> None:
    outcome = tessera("lod", scene_file, "--tau", 8, "--backend", "model", "--path", "orbit", "--frames", 3)
    assert outcome.status == 0, outcome.err
    assert "of 599 nodes are on the cut" in outcome.out


def test_a_path_in_rtl(tessera: Tessera, scene_file: Path, tmp_path: Path) -> None:
    """The RTL's last cut of a temporal path, compared in every word, is the model's; counters stand in the report."""
    common = ("lod", scene_file, "--tau", 8, "--path", "orbit", "--frames", 3, "--size", "64x64", "--config", "tiny")
    cuts, report = [tmp_path / "rtl.npy", tmp_path / "model.npy"], tmp_path / "report.json"
    outcome = tessera(*common, *SMALL, "--check", "--cut", cuts[0], "--report", report)
    assert outcome.status == 0, outcome.err
    assert "words of view, summary, state" in outcome.out
    assert "lod by rtl in" in outcome.out
    assert tessera(*common, "--backend", "model", "--cut", cuts[1]).status == 0
    assert np.array_equal(np.load(cuts[0]), np.load(cuts[1]))
    written = json.loads(report.read_text())
    assert written["workload"]["search"] == "temporal"
    assert written["counters"]["views"] == 3
    assert written["cycles"] == written["counters"]["cycles"] > written["bound"]["cycles"]
    assert written["quality"]["rtl_equals_model"] is True
    assert f"RTL equals the model in all {written['quality']['words_compared']} words" in outcome.out
    assert written["quality"]["words_compared"] > 4 * written["workload"]["subtrees"]


def test_draws_a_cut(tessera: Tessera, scene_file: Path, tmp_path: Path) -> None:
    picture = tmp_path / "cut.png"
    outcome = tessera("render", scene_file, "--tau", 20, "--backend", "reference", "--size", "32x32", "--out", picture)
    assert outcome.status == 0, outcome.err
    assert picture.exists()
    assert "of 599 Gaussians are on the cut at 20 px" in outcome.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("lod {hier} --tau 0", "tau must lie in 0.01..10000 px, it is 0"),
        ("lod {hier} --tau nan", "tau must lie in 0.01..10000 px, it is nan"),
        ("lod {hier} --tau 3 --backend gpu", "'gpu' is not one of 'rtl', 'model', 'reference'"),
        ("lod {hier} --tau 3 --backend model --check", "--check needs --backend rtl or fpga"),
        ("lod {hier} --tau 3 --backend reference --waves a.vcd", "--waves needs --backend rtl"),
        ("lod {hier} --tau 3 --cut .", ".: cannot be written: it is a folder"),
        ("lod {hier} --tau 3 --report .", ".: cannot be written: it is a folder"),
        ("lod {hier} --tau 3 --backend model --path fly", "'fly' is not one of 'orbit', 'walk', 'jump', 'still'"),
        ("lod {hier} --tau 3 --backend model --path orbit --orbit 1/3", "--path brings its own cameras"),
        ("lod {hier} --tau 3 --backend model --path orbit --frames 0", "a path needs at least one frame, it has 0"),
        ("lod {hier} --tau 3 --set subtree_nodes=33", "subtree_nodes must lie in 2..32, it is 33"),
        ("lod {hier} --tau 3 --set units=17", "units must lie in 1..16, it is 17"),
        ("lod {hier} --tau 3 --frustum --path orbit", "--frustum needs a full search: add --full"),
        ("lod missing.hier --tau 3", "missing.hier: cannot be read"),
        ("render {hier} --backend model --out frame.png", "a hierarchy is drawn at a threshold: give --tau"),
        ("docs level --size 8", "--size must lie in 16..1024, it is 8"),
        ("generate lod --set ordered=0", "temporal = 1 needs ordered = 1"),
        ("generate lod --set memory_width=1024 --set subtree_nodes=32", "a subtree's block must be whole memory words"),
    ],
)  # fmt: skip
def test_refuses(
    arguments: str, message: str, tessera: Tessera, hier_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = tessera(*arguments.format(hier=hier_file).split())
    assert outcome.status == 2
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
    assert not (tmp_path / "frame.png").exists()


@pytest.mark.slow
def test_a_cut_drawn_in_rtl(tessera: Tessera, scene_file: Path, tmp_path: Path) -> None:
    """Both engines in RTL, each compared with its model in every word."""
    outcome = tessera(
        "render", scene_file, "--tau", 12, "--config", "tiny", "--size", "32x32", "--check",
        "--out", tmp_path / "cut.png",
    )  # fmt: skip
    assert outcome.status == 0, outcome.err
    assert "RTL equals the model in all 4096 words of framebuffer" in outcome.out
