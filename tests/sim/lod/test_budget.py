"""A budget of Gaussians: the search over the engine's thresholds finds what sorting finds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import golden.lod.budget
from golden.errors import InputError
from golden.lod.budget import Budgeted, finest_by_sorting
from golden.lod.model import SearchModel
from golden.lod.spec import TINY
from golden.lod.threshold import Thresholds
from golden.lod.view import make_path
from hw.lod.config import tiny
from sim.kernel.compare import CheckError
from sim.kernel.run import Backend
from sim.lod.budget import FinestCut, finest_cut, finest_cuts
from tests.golden.lod.trees import cameras, chain, fan, hier_bytes, small_image
from tests.sim.conftest import Tessera

#: The build of test_search.py.
SMALL = ("--config", "tiny", "--set", "units=2", "--set", "queue_depth=2", "--latency", 20, "--stalls", 40)
MODEL = ("--backend", "model", "--size", "64x64")


def answer_of(found: FinestCut) -> Budgeted:
    finer = None if found.finer is None else found.finer.gaussians
    return Budgeted(code=found.best.code, gaussians=found.best.gaussians, finer=finer)


@pytest.mark.parametrize("budget", [1, 30, 200, 100_000])
def test_the_search_finds_what_sorting_finds(budget: int) -> None:
    """In no more searches than a code has bits; from a start near by in fewer, and from a bad one the same."""
    image, camera = small_image(TINY), cameras("orbit", 1)[0]
    codes = Thresholds.of(image, camera)
    expected = finest_by_sorting(SearchModel(image), make_path(image, [camera], 1.0)[0], budget, codes)
    found = finest_cut(image, camera, budget, tiny(), backend=Backend.MODEL)
    assert answer_of(found) == expected
    assert len(found.trials) <= (codes.finest - codes.coarsest + 2).bit_length()
    assert found.cycles is None
    for start in (codes.coarsest - 5, codes.finest + 5, expected.code, expected.code - 300, expected.code + 300):
        other = finest_cut(image, camera, budget, tiny(), start=start, backend=Backend.MODEL)
        assert answer_of(other) == expected
    assert len(other.trials) < max(len(found.trials), 2)


def test_view_by_view() -> None:
    """Every view has its own answer, and the later ones need fewer searches."""
    image, path = small_image(TINY), cameras("orbit", 4)
    answers = list(finest_cuts(image, path, 100, tiny(), backend=Backend.MODEL))
    for camera, found in zip(path, answers, strict=True):
        view = make_path(image, [camera], 1.0)[0]
        assert answer_of(found) == finest_by_sorting(SearchModel(image), view, 100, Thresholds.of(image, camera))
    assert all(len(found.trials) < len(answers[0].trials) for found in answers[1:])


@pytest.mark.slow
def test_in_rtl(tessera: Tessera, scene_file: Path, tmp_path: Path) -> None:
    """Every search is compared with the model, the answer with sorting, and cycles are summed."""
    cut, report = tmp_path / "cut.npy", tmp_path / "report.json"
    outcome = tessera(
        "lod", scene_file, "--budget", 60, "--path", "orbit", "--frames", 2, "--size", "64x64", *SMALL, "--check",
        "--cut", cut, "--report", report,
    )  # fmt: skip
    assert (outcome.status, outcome.err) == (0, "")
    whole = json.loads(report.read_text())
    first, last = whole["workload"]["budget"]["views"]
    assert last["gaussians"] == len(np.load(cut)) <= 60 < last["finer_gaussians"]
    assert last["tau_px"] == whole["workload"]["tau_px"] > last["finer_tau_px"]
    assert first["search_cycles"] > 10 * whole["cycles"] > 0
    assert last["searches"] < first["searches"] <= 22
    again = tessera(
        "lod", scene_file, "--tau", repr(first["tau_px"]), "--path", "orbit", "--frames", 1, "--config", "tiny", *MODEL
    )
    assert f"{first['gaussians']} of 599 nodes are on the cut" in again.out


def test_a_wrong_answer_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a check, and a model that sorts otherwise."""
    image, camera = small_image(TINY), cameras("orbit", 1)[0]
    monkeypatch.setattr("sim.lod.budget.run", lambda workload, **others: plain(workload, backend=Backend.MODEL))
    from sim.lod.run import run as plain

    assert finest_cut(image, camera, 50, tiny(), check=True).best.gaussians <= 50
    wrong = Budgeted(code=1, gaussians=2, finer=3)
    monkeypatch.setattr(golden.lod.budget, "finest_by_sorting", lambda *_: wrong)
    with pytest.raises(CheckError, match=r"budget: expected Budgeted.code=1, .*, got Budgeted"):
        finest_cut(image, camera, 50, tiny(), check=True)


@pytest.mark.parametrize("backend", ["model", "reference"])
def test_a_merged_file(backend: str, tessera: Tessera, tmp_path: Path) -> None:
    """An infinite root is never on a cut: three Gaussians are the least; the wide node keeps two of its own."""
    path, cut = tmp_path / "fan.hier", tmp_path / "cut.npy"
    path.write_bytes(hier_bytes(fan(40)))
    common = ("--backend", backend, "--size", "64x64")
    assert tessera("lod", path, "--budget", 3, *common, "--cut", cut).status == 0
    assert np.load(cut).tolist() == [1, 2]
    refused = tessera("lod", path, "--budget", 2, *common)
    assert refused.status == 2
    assert refused.err == "tessera: error: lod: a budget must be at least 3 Gaussians, the coarsest cut, it is 2\n"
    assert tessera("lod", path, "--budget", 41, *common, "--cut", cut).status == 0
    assert len(np.load(cut)) == 41


def test_draws_the_finest_cut(tessera: Tessera, scene_file: Path, tmp_path: Path) -> None:
    picture = tmp_path / "cut.png"
    common = ("render", scene_file, "--backend", "reference", "--size", "32x32", "--out", picture)
    outcome = tessera(*common, "--budget", 50)
    assert outcome.status == 0, outcome.err
    assert picture.exists()
    count, tau = outcome.out.split(" Gaussians are on the cut at ")[0].split()[-3], outcome.out.split(" px")[0].split()
    assert 1 < int(count) <= 50
    assert f"{count} of 599 Gaussians" in tessera(*common, "--tau", tau[-1]).out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("lod {hier}", "a cut needs --tau, in pixels, or --budget, in Gaussians: give one of them"),
        ("lod {hier} --tau 3 --budget 3", "a cut needs --tau, in pixels, or --budget, in Gaussians: give one of them"),
        ("lod {hier} --budget 0", "a budget must be at least 1 Gaussian, it is 0"),
        ("lod {hier} --budget x", "'x' is not a valid integer"),
        ("lod {hier} --budget 5 --frustum", "--budget counts the whole cut, in sight or not: leave out --frustum"),
        ("lod {hier} --budget 5 --waves a.vcd", "--waves shows one search, --budget takes many"),
        ("render {hier} --tau 3 --budget 5 --out a.png", "--tau, in pixels, or --budget, in Gaussians: give one"),
        ("render {hier} --budget -1 --backend model --out a.png", "a budget must be at least 1 Gaussian, it is -1"),
    ],
)
def test_refuses(
    arguments: str, message: str, tessera: Tessera, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "chain.hier"
    path.write_bytes(hier_bytes(chain(7)))
    outcome = tessera(*arguments.format(hier=path).split())
    assert outcome.status == 2
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
    assert not (tmp_path / "a.png").exists()


def test_a_finer_cut_that_may_be_smaller(tessera: Tessera, tmp_path: Path) -> None:
    parts = chain(3)
    parts["node"]["start"][0], parts["node"]["count_merged"][0] = 0, 4
    path = tmp_path / "odd.hier"
    path.write_bytes(hier_bytes(parts))
    outcome = tessera("lod", path, "--budget", 4, *MODEL)
    assert outcome.status == 2
    assert "node 0 has 4 and is split into 2" in outcome.err


def test_a_budget_is_no_smaller_than_the_coarsest() -> None:
    image, camera = small_image(TINY), cameras("orbit", 1)[0]
    with pytest.raises(InputError, match="at least 1 Gaussian, it is -3"):
        finest_cut(image, camera, -3, tiny(), backend=Backend.MODEL)
