"""The whole search core on Verilator: every result of every view equals the model's."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from golden.lod.frustum import EVERYWHERE
from golden.lod.load import leaves
from golden.lod.model import Found, SearchModel
from golden.lod.paths import camera_path
from golden.lod.tree_image import cut_nodes
from hw.lod.config import Config, default, tiny
from sim.kernel.compare import CheckError
from sim.kernel.jobs import MemorySettings
from sim.kernel.run import Run, compare, stage_difference
from sim.lod.run import SEARCH, cut, run, search_path
from sim.lod.suite import run_path
from sim.lod.workload import LodWorkload, load_tree, prepare
from tests.golden.lod.trees import cameras, small_image

#: Two units, and a queue of two entries, so that every search spills.
SMALL = replace(tiny(), units=2, queue_depth=2)


def job(
    config: Config, name: str, frames: int, tau: float, *, temporal: bool, buffers: int | None = None, every: int = 1
) -> LodWorkload:
    return prepare(
        small_image(config.spec), cameras(name, frames)[::every], tau, config,
        temporal=temporal, frustum=bool(config.frustum), buffers=buffers, name=name,
    )  # fmt: skip


def checked(workload: LodWorkload, memory: MemorySettings) -> dict[str, int]:
    return run(workload, memory=memory, check=True).counters


@pytest.mark.parametrize("stalls", [0, 90])
@pytest.mark.parametrize("tau", [2.0, 25.0])
def test_full_search(stalls: int, tau: float) -> None:
    counters = checked(job(SMALL, "orbit", 3, tau, temporal=False), MemorySettings(stalls=stalls, latency=20))
    assert counters["views"] == 3
    assert counters["hits"] + counters["misses"] == counters["subtrees"]
    assert counters["nodes_counted"] <= counters["nodes_tested"] <= counters["nodes_loaded"]
    if tau < 10:  # a queue of two entries has run over, and nothing is missing
        assert counters["spilled"] == counters["queue_write_words"] == counters["queue_words"] > 10


@pytest.mark.parametrize("stalls", [0, 90])
def test_full_search_of_what_is_in_the_picture(stalls: int) -> None:
    """A walk into the scene, more and more of which is behind the camera or beside the picture."""
    workload = job(replace(SMALL, frustum=1), "walk", 200, 4.0, temporal=False, every=40)
    counters = checked(workload, MemorySettings(stalls=stalls, latency=20))
    whole = [replace(view, planes=EVERYWHERE) for view in workload.path]
    everything = SearchModel(workload.image)
    assert counters["nodes_counted"] < 0.9 * sum(everything.search(view).nodes for view in whole)


@pytest.mark.parametrize("stalls", [0, 90])
@pytest.mark.parametrize("name", ["orbit", "walk", "jump", "still"])
def test_temporal_search(stalls: int, name: str) -> None:
    workload = job(SMALL, name, 6, 12.0, temporal=True)
    counters = checked(workload, MemorySettings(stalls=stalls, latency=20, seed=3))
    full = len(search_path(workload.image, workload.path, temporal=False)[0].subtrees)
    if name == "still":
        assert counters["subtrees"] == full
    elif name != "jump":
        assert full < counters["subtrees"] < 3 * full


def test_the_cut_is_that_of_the_nodes() -> None:
    """Down to the Gaussians: what the state table holds is the cut of a full search, as nodes of the hierarchy."""
    workload = job(SMALL, "walk", 4, 12.0, temporal=True)
    last = SearchModel(workload.image).search(workload.path[-1])
    expected = cut_nodes(workload.image.sltree, last.state.cut.numpy())
    assert np.array_equal(cut(run(workload, memory=MemorySettings(latency=20))), expected)


def test_results_alternate_between_two_places() -> None:
    workload = job(SMALL, "orbit", 5, 12.0, temporal=False, buffers=2)
    searched = run(workload, memory=MemorySettings(latency=20))
    assert {name.partition(".")[0] for name in searched.results} == {"view 3", "summary 3", "view 4", "summary 4"}
    # View 3 is at place 1 and view 4 at place 0.
    model = search_path(workload.image, workload.path, temporal=False)
    for number in (3, 4):
        assert np.array_equal(searched.results[f"view {number}.cut"], model[number].cuts.numpy())
    last = cut_nodes(workload.image.sltree, model[4].state.cut.numpy())
    assert np.array_equal(cut(searched), last)


@pytest.fixture(scope="module")
def path() -> Run:
    """Three views of a temporal path."""
    return run(job(SMALL, "orbit", 3, 12.0, temporal=True), memory=MemorySettings(latency=20), check=True)


@pytest.mark.parametrize("stalls", [0, 90])
@pytest.mark.parametrize(("name", "temporal"), [("orbit", False), ("walk", True), ("jump", True)])
def test_every_stage_is_the_models(name: str, temporal: bool, stalls: int) -> None:
    """What is visited, found and written back, view by view, whatever pauses the memory makes."""
    workload = job(SMALL, name, 5, 12.0, temporal=temporal)
    model = search_path(workload.image, workload.path, temporal=temporal)
    assert stage_difference(SEARCH, workload, model, MemorySettings(stalls=stalls, latency=20)) is None


def difference(path: Run, results: dict[str, Any] | None = None, model: list[Found] | None = None) -> str:
    """What the comparison says of other results, or of another model."""
    with pytest.raises(CheckError) as error:
        compare(
            SEARCH, path.workload, path.results if results is None else results,
            path.model if model is None else model, path.memory,
        )  # fmt: skip
    return str(error.value)


@pytest.mark.parametrize(
    ("name", "index", "message"),
    [
        ("view 1.subtree", 2, "view 1: visit 2 subtree"),
        ("view 1.cut", 3, "view 1: visit 3 cut"),
        ("summary 2.nodes", (), "summary 2: nodes"),
        ("state.deadline", 7, "state: subtree 7 deadline"),
    ],
)
def test_a_wrong_word_is_named(path: Run, name: str, index: int | tuple[()], message: str) -> None:
    """Where every stage is right, the message names view or table, index, field, expected and got."""
    results = {stage: array.copy() for stage, array in path.results.items()}
    results[name][index] ^= 4
    values = r"expected \w+, got \w+ \(1 of \d+ words differ\); no stage's recorded stream differs"
    assert re.fullmatch(f"{message}: {values}", difference(path, results))


@pytest.mark.parametrize(
    ("field", "view", "message"),
    [
        ("entered", 1, r"visits: group 1 index 0 visit.entered"),
        ("cut", 1, r"states: group 1 index \d+ data.0.cut"),
        ("expanded", 0, r"states: group 0 index \d+ data.0.expanded"),
    ],
)
def test_the_first_stage_that_differs_is_named(path: Run, field: str, view: int, message: str) -> None:
    """A model that differs in one number: the message names the first view and stage that it shows in."""
    model, results = list(path.model), dict(path.results)
    state, subtree = model[view].state, int(model[view].subtrees[0])
    column = getattr(state, field).clone()
    column[subtree] ^= 4
    model[view] = replace(model[view], state=replace(state, **{field: column}))
    results["view 1.cut"] = results["view 1.cut"] ^ 1
    first, second = difference(path, results, model).split("; the first stage that differs: ")
    assert first.startswith("view 1: visit 0 cut: ")
    assert re.match(rf"{message}: expected \w+, got \w+ \(", second)


def test_a_visit_that_is_missing_is_named(path: Run) -> None:
    """One of the model's that the hardware did not make, in the last view."""
    last, count = path.model[-1], len(path.model[-1].subtrees)
    more = torch.tensor([*last.subtrees.tolist(), int(last.subtrees[-1]) + 1])
    other = replace(last, subtrees=more, cuts=last.state.cut[more])
    first, second = difference(path, model=[*path.model[:-1], other]).split("; the first stage that differs: ")
    assert first == f"view 2: subtree: expected {count + 1} words, got {count}"
    assert re.match(rf"visits: group 2 index {count}: expected \{{.*\}}, got nothing \(", second)


@pytest.mark.slow
@pytest.mark.parametrize("change", [{"ordered": 0, "temporal": 0}, {"temporal": 0}])
def test_as_they_come(change: dict[str, int]) -> None:
    """Without order, results are equal as a set; without temporal hardware, full search is the same."""
    workload, memory = (
        job(replace(SMALL, **change), "orbit", 3, 8.0, temporal=False),
        MemorySettings(stalls=40, latency=20),
    )
    searched = run(workload, memory=memory, check=True)
    assert stage_difference(SEARCH, workload, searched.model, memory) is None


@pytest.mark.slow
@pytest.mark.parametrize("name", ["orbit", "walk", "jump", "still"])
@pytest.mark.parametrize("tree", ["lod/statue_angel.hier", "scenes/skull.ply", "scenes/flowers_3_0.ply"])
def test_real_paths(tree: str, name: str, real_data: Path) -> None:
    """64 frames in RTL: equal to the model in every word, to the reference in its band, and little is visited."""
    image = load_tree(str(real_data / tree), default().spec)
    path = camera_path(leaves(image.sltree.hierarchy), name, 64, width=512, height=512)
    full = run_path(image, path[::16], 30.0, default(), temporal=False, path_name=name)
    temporal = run_path(image, path, 30.0, default(), temporal=True, path_name=name)
    for searched in (full, temporal):
        assert searched.roofline.ratio <= 1.15
        counters = searched.run.counters
        assert counters["queued_nodes"] >= 0.99 * counters["queued_cycles"]
    assert temporal.report()["quality"]["largest_kept_of_tau"] < 1.0001
    share = temporal.per_view("subtrees", skip_first=True) / full.per_view("subtrees", skip_first=False)
    assert share <= (0.17 if name == "jump" else 0.15)  # a cut in the path is a full search


@pytest.mark.slow
@pytest.mark.parametrize("units", [1, 4, 16])
@pytest.mark.parametrize("stalls", [0, 64])
def test_real_tree(units: int, stalls: int, real_data: Path) -> None:
    """64 frames of the statue, full and temporal; near the bound whatever the number of units."""
    config = replace(default(), units=units)
    image = load_tree(str(real_data / "lod" / "statue_angel.hier"), config.spec)
    path = camera_path(leaves(image.sltree.hierarchy), "orbit", 64, width=512, height=512)
    memory = MemorySettings(stalls=stalls)
    for temporal in (False, True):
        searched = run_path(image, path, 30.0, config, temporal=temporal, memory=memory)
        quality = searched.report()["quality"]
        assert quality["largest_kept_of_tau"] < 1.0001
        assert quality["smallest_split_of_tau"] > 0.98
        assert stalls or searched.roofline.ratio <= 1.15
