"""The whole search core on Verilator: every result of every view equals the model's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from golden.lod.frustum import EVERYWHERE
from golden.lod.load import leaves
from golden.lod.model import SearchModel
from golden.lod.paths import camera_path
from golden.lod.tree_image import cut_nodes
from golden.lod.view import make_path
from hw.lod.config import Config, default, tiny
from sim.kernel.compare import CheckError
from sim.kernel.jobs import MemorySettings
from sim.lod.check import check_search, search_model
from sim.lod.suite import load_tree, run_path
from sim.lod.workload import LodWorkload, prepare, run_rtl
from tests.golden.lod.trees import cameras, small_image

#: Two units, and a queue of two entries, so that every search spills.
SMALL = replace(tiny(), units=2, queue_depth=2)


def job(
    config: Config, name: str, frames: int, tau: float, *, temporal: bool, buffers: int | None = None
) -> LodWorkload:
    image = small_image(config.spec)
    path = make_path(image, cameras(name, frames), tau, frustum=bool(config.frustum))
    return prepare(image, path, config, temporal=temporal, buffers=buffers)


def checked(workload: LodWorkload, memory: MemorySettings) -> dict[str, int]:
    rtl = run_rtl(workload, memory=memory, timeout=2_000_000)
    check_search(workload, rtl, search_model(workload))
    return rtl.job.counters


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
    workload = job(replace(SMALL, frustum=1), "walk", 200, 4.0, temporal=False)
    workload = prepare(workload.image, workload.path[::40], workload.config, temporal=False)
    counters = checked(workload, MemorySettings(stalls=stalls, latency=20))
    whole = [replace(view, planes=EVERYWHERE) for view in workload.path]
    everything = SearchModel(workload.image)
    assert counters["nodes_counted"] < 0.9 * sum(everything.search(view).nodes for view in whole)


@pytest.mark.parametrize("stalls", [0, 90])
@pytest.mark.parametrize("name", ["orbit", "walk", "jump", "still"])
def test_temporal_search(stalls: int, name: str) -> None:
    workload = job(SMALL, name, 6, 12.0, temporal=True)
    counters = checked(workload, MemorySettings(stalls=stalls, latency=20, seed=3))
    full = len(search_model(replace(workload, temporal=False))[0].subtrees)
    if name == "still":
        assert counters["subtrees"] == full
    elif name != "jump":
        assert full < counters["subtrees"] < 3 * full


def test_the_cut_is_that_of_the_nodes() -> None:
    """Down to the Gaussians: what the state table holds is the cut of a full search, as nodes of the hierarchy."""
    workload = job(SMALL, "walk", 4, 12.0, temporal=True)
    rtl = run_rtl(workload, memory=MemorySettings(latency=20))
    last = SearchModel(workload.image).search(workload.path[-1])
    tree = workload.image.sltree
    assert np.array_equal(cut_nodes(tree, rtl.state["cut"]), cut_nodes(tree, last.state.cut.numpy()))


def test_results_alternate_between_two_places() -> None:
    workload = job(SMALL, "orbit", 5, 12.0, temporal=False, buffers=2)
    rtl = run_rtl(workload, memory=MemorySettings(latency=20))
    assert len(rtl.views) == 2
    # View 3 is at place 1 and view 4 at place 0.
    for number in (3, 4):
        found = search_model(workload)[number]
        got = rtl.views[number - 3]
        assert np.array_equal(got.cuts, found.cuts.numpy())


def test_a_wrong_word_is_named() -> None:
    workload = job(SMALL, "orbit", 2, 12.0, temporal=False)
    rtl = run_rtl(workload, memory=MemorySettings(latency=20))
    model = search_model(workload)
    rtl.views[1].cuts[5] ^= 4
    with pytest.raises(CheckError, match=r"view 1: cut of visited subtree 5: expected 0x"):
        check_search(workload, rtl, model)


@pytest.mark.slow
@pytest.mark.parametrize("change", [{"ordered": 0, "temporal": 0}, {"temporal": 0}])
def test_as_they_come(change: dict[str, int]) -> None:
    """Without order, results are equal as a set; without temporal hardware, full search is the same."""
    checked(job(replace(SMALL, **change), "orbit", 3, 8.0, temporal=False), MemorySettings(stalls=40, latency=20))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["orbit", "walk", "jump", "still"])
@pytest.mark.parametrize("tree", ["lod/statue_angel.hier", "scenes/skull.ply", "scenes/flowers_3_0.ply"])
def test_real_paths(tree: str, name: str, real_data: Path) -> None:
    """64 frames in RTL: equal to the model in every word, to the reference in its band, and little is visited."""
    loaded, image = load_tree(str(real_data / tree), default())
    path = camera_path(leaves(loaded), name, 64, width=512, height=512)
    full = run_path(image, path[::16], 30.0, default(), temporal=False, path_name=name)
    temporal = run_path(image, path, 30.0, default(), temporal=True, path_name=name)
    for run in (full, temporal):
        assert run.roofline.ratio <= 1.15
        counters = run.rtl.job.counters
        assert counters["queued_nodes"] >= 0.99 * counters["queued_cycles"]
    assert temporal.report["quality"]["largest_kept_of_tau"] < 1.0001
    share = temporal.per_view("subtrees", skip_first=True) / full.per_view("subtrees", skip_first=False)
    assert share <= (0.17 if name == "jump" else 0.15)  # a cut in the path is a full search


@pytest.mark.slow
@pytest.mark.parametrize("units", [1, 4, 16])
@pytest.mark.parametrize("stalls", [0, 64])
def test_real_tree(units: int, stalls: int, real_data: Path) -> None:
    """64 frames of the statue, full and temporal; near the bound whatever the number of units."""
    config = replace(default(), units=units)
    tree, image = load_tree(str(real_data / "lod" / "statue_angel.hier"), config)
    path = camera_path(leaves(tree), "orbit", 64, width=512, height=512)
    memory = MemorySettings(stalls=stalls)
    for temporal in (False, True):
        run = run_path(image, path, 30.0, config, temporal=temporal, memory=memory)
        quality = run.report["quality"]
        assert quality["largest_kept_of_tau"] < 1.0001
        assert quality["smallest_split_of_tau"] > 0.98
        assert stalls or run.roofline.ratio <= 1.15
