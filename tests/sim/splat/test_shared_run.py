"""RTL draws lists in drawing order: every frame is the model's, alone, in a window, and among frames that sort."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from golden.splat.frame import build_frame
from golden.splat.memory_image import read_frame
from golden.splat.memory_map import GROUP_BYTES
from golden.splat.model import ModelResult, render
from golden.splat.path_image import build_path_image
from golden.splat.shared_order import SharedOrder, render_shared, sort_frame, sort_squares
from hw.splat.config import CONFIGS, Config
from hw.splat.counters import counters_of
from sim.kernel.jobs import JobResult, MemorySettings
from sim.kernel.run import run_operation
from sim.splat.path import prepare_path
from sim.splat.run import DRAW_PATH, run
from sim.splat.shared_run import order_of, prepare_sort, run_in_order, run_sort, shared
from sim.splat.workload import SplatWorkload, prepare
from tests.golden.splat.rows import groups_of, header_of, view_of
from tests.golden.splat.scenes import camera_at, random_scene
from tests.hw.splat.ordered import redirect
from tests.sim.conftest import Tessera
from tests.sim.splat.frames import wall

pytestmark = pytest.mark.slow  # simulators of their own
FREE, PAUSES = 0, 100
EYES = [(0.0, 0.0, -3.0), (0.05, 0.0, -3.0), (0.1, -0.02, -2.9), (0.15, -0.04, -2.8), (0.2, -0.05, -2.8)]
MARGIN = 3


def sharing(**fields: int) -> Config:
    """`tiny` that draws lists in drawing order; with codebooks as in tests/sim/splat/test_run.py."""
    config = replace(CONFIGS["tiny"](), shared_sort=1)
    return replace(config, spec=replace(config.spec, **fields))


@cache
def view(eye: tuple[float, float, float], degree: int, config: Config) -> SplatWorkload:
    scene = random_scene(11, 400, degree=degree, thinnest=0.01, widest=0.1)
    return prepare(scene, camera_at(eye, size=(51, 37), focal=40.0), config)


def left_at(work: SplatWorkload, eye: tuple[float, float, float]) -> SharedOrder:
    """What a frame there leaves; of its squares the second lists nothing, the third a Gaussian twice."""
    frame = build_frame(work.image, camera_at(eye, size=(51, 37), focal=40.0), work.config.spec)
    places = sort_squares(work.image, frame, work.config.spec, MARGIN).places
    return SharedOrder(
        places=[
            places[0],
            torch.tensor([], dtype=torch.int64),
            torch.cat([places[2], places[2][-3:]]),
            *places[3:],
        ]
    )


@pytest.mark.parametrize("stalls", [FREE, PAUSES])
@pytest.mark.parametrize("fields", [{}, {"codebooks": 1}], ids=["records", "codebooks"])
def test_a_frame_equals_the_model(fields: dict[str, int], stalls: int) -> None:
    """Every pixel, and the work of every stage; a square of which nothing is listed is blank."""
    config = sharing(**fields)
    if fields:
        config = replace(config, coarse_cache=64, record_cache=32)
    work = view(EYES[1], 1, config)
    order = left_at(work, EYES[0])
    drawn = run_in_order(work, order, memory=MemorySettings(stalls=stalls), check=True)
    wanted = render_shared(work.image, work.frame, order, config.spec)
    assert drawn.checked
    for name in ("streamed", "candidates", "splats"):
        assert drawn.counters[name] == getattr(wanted.work, name), name
    for name in ("coarse_words", "forced", "bound_fell"):
        assert drawn.counters[name] == 0, name
    assert not drawn.results["framebuffer"][:16, 16:32].any()
    assert drawn.results["framebuffer"][:16, 32:].any()
    assert wanted.work.candidates < wanted.work.streamed == order.entries


@pytest.mark.parametrize("stalls", [FREE, PAUSES])
def test_an_opaque_square_drops_the_rest_of_its_list(stalls: int) -> None:
    """Thousands behind a few that hide them: what is left of the lists is not drawn, and the picture is the model's."""
    work = prepare(wall(), camera_at(size=(51, 37), focal=76.5), sharing())
    order = sort_squares(work.image, work.frame, work.config.spec, MARGIN)
    drawn = run_in_order(work, order, memory=MemorySettings(stalls=stalls), check=True)
    wanted = render_shared(work.image, work.frame, order, work.config.spec).work
    assert drawn.checked
    assert 0 < drawn.counters["groups_stopped"] <= len(order.places)
    assert drawn.counters["streamed"] < wanted.streamed


@pytest.mark.parametrize("stalls", [FREE, PAUSES])
@pytest.mark.parametrize("kinds", [(0, 1, 1, 0, 1), (1, 0, 0, 1, 1)], ids=str)
def test_frames_of_both_kinds_in_one_job(kinds: tuple[int, ...], stalls: int) -> None:
    """Those that sort, by the engine's lists and the host's, and those that do not, in turn and in a row."""
    config = sharing()
    scene = view(EYES[0], 1, config).scene
    path = prepare_path(scene, [camera_at(eye, size=(51, 37), focal=40.0) for eye in EYES], config)
    order = left_at(view(EYES[0], 1, config), EYES[0])
    orders = [order if kind else None for kind in kinds]
    listed = [kind == 1 or k == 3 for k, kind in enumerate(kinds)]
    memory = build_path_image(path.image, path.frames, config.spec, listed=listed, orders=orders)
    models: list[ModelResult] = [
        render(path.image, frame, config.spec)
        if chosen is None
        else render_shared(path.image, frame, chosen, config.spec)
        for frame, chosen in zip(path.frames, orders, strict=True)
    ]
    operation = replace(DRAW_PATH, model=lambda _: models, counters=counters_of(config))
    drawn = run_operation(
        operation, replace(path, memory=memory, listed=tuple(listed)), memory=MemorySettings(stalls=stalls), check=True
    )
    assert drawn.checked
    assert drawn.counters["frames"] == len(EYES)
    assert drawn.counters["splats"] == sum(model.work.splats for model in models)
    assert drawn.counters["forced"] == drawn.counters["bound_fell"] == 0


@pytest.mark.parametrize("stalls", [FREE, PAUSES])
@pytest.mark.parametrize("scene", ["few", "wall"])
def test_lists_are_the_models(scene: str, stalls: int) -> None:
    """What a frame that sorts leaves, whole and in depth slabs, is what the host would have written, byte for byte."""
    work = view(EYES[0], 1, sharing())
    if scene == "wall":
        work = prepare(wall(), camera_at(size=(51, 37), focal=76.5), sharing())
    sort = prepare_sort(work, camera_at(EYES[1], size=(51, 37), focal=work.camera.fx), MARGIN)
    slabs = groups_of(sort.memory.data)
    assert any(group["continued"] for group in slabs) == (scene == "wall")
    order, drawn = run_sort(sort, memory=MemorySettings(stalls=stalls), check=True)
    assert drawn.checked
    wanted = order_of(sort)
    assert all(map(torch.equal, order.places, wanted.places))
    assert drawn.counters["shared_entries"] == drawn.counters["candidates"] == order.entries > 400
    assert drawn.counters["write_words"] == drawn.counters["forced"] == drawn.counters["draws"] == 0


@pytest.mark.parametrize("stalls", [FREE, PAUSES])
def test_lists_are_written_and_drawn_in_one_job(stalls: int) -> None:
    """Frames that sort themselves, frames that sort for others, and those others, which read what was written."""
    config = sharing()
    spec, scene = config.spec, view(EYES[0], 1, config).scene
    kinds = ["own", "sort", "ordered", "ordered", "own", "sort", "sort", "ordered"]
    cameras = [camera_at(EYES[k % 5], size=(51, 37), focal=40.0) for k in range(len(kinds))]
    path = prepare_path(scene, cameras, config)
    frames = [
        sort_frame(path.image, frame, spec, MARGIN) if kind == "sort" else frame
        for kind, frame in zip(kinds, path.frames, strict=True)
    ]
    orders: list[SharedOrder | None] = []
    latest = 0
    sources: dict[int, int] = {}  # of a frame that is drawn in order, the one that sorts
    for k, kind in enumerate(kinds):
        latest = k if kind == "sort" else latest
        sources |= {k: latest} if kind == "ordered" else {}
        orders.append(sort_squares(path.image, path.frames[latest], spec, MARGIN) if kind == "ordered" else None)
    listed = [kind != "own" for kind in kinds]
    sorts = [k for k, kind in enumerate(kinds) if kind == "sort"]
    memory = build_path_image(path.image, frames, spec, listed=listed, orders=orders, sorts=sorts)
    heads, results = [0], [header_of(memory.data)["frame_address"]]
    while address := view_of(memory.data, heads[-1])["next_address"]:
        heads.append(address)
        results.append(header_of(memory.data, address)["frame_address"])
    for k, source in sources.items():
        redirect(memory.data, heads[k], results[source] + GROUP_BYTES * len(frames[source].groups))
    models: dict[str, np.ndarray] = {}
    for k, (kind, frame, order) in enumerate(zip(kinds, path.frames, orders, strict=True)):
        if kind != "sort":
            drawn = render_shared(path.image, frame, order, spec) if order else render(path.image, frame, spec)
            models[f"framebuffer_{k}"] = drawn.image.numpy()

    def read(_: object, job: JobResult) -> dict[str, np.ndarray]:
        size = spec.group_size**2 * 4 * len(path.frames[0].groups)
        begins = {k: results[k] - results[0] for k, kind in enumerate(kinds) if kind != "sort"}
        return {
            f"framebuffer_{k}": read_frame(job.data[begin : begin + size], path.frames[k], spec)
            for k, begin in begins.items()
        }

    operation = replace(
        DRAW_PATH, model=lambda _: models, expected=lambda _, models: models, read=read, counters=counters_of(config),
        words=lambda _: None,
    )  # fmt: skip
    work = replace(path, memory=memory, listed=tuple(listed))
    run = run_operation(operation, work, memory=MemorySettings(stalls=stalls), check=True)
    assert run.checked
    assert run.counters["frames"] == len(kinds)


def test_a_frame_that_sorts_is_as_without(seed: int) -> None:
    """The engine with `shared_sort` reads and writes the same words, in the same time but for some cycles."""
    work = view(EYES[0], 1, CONFIGS["tiny"]())
    plain, both = (run(each, memory=MemorySettings(seed=seed + 1), check=True) for each in (work, shared(work)))
    assert both.counters["cycles"] == pytest.approx(plain.counters["cycles"], rel=0.01)
    unequal = {name for name, count in plain.counters.items() if both.counters[name] != count}
    assert not {name for name in unequal if name.endswith("_words")}


def test_a_window_by_the_command(tessera: Tessera, scene_file: Path, tmp_path: Path) -> None:
    """RTL's pictures are the model's, and the report has what sorting each frame would have cost."""
    line = (
        "render", scene_file, "--config", "tiny", "--size", "40x32", "--path", "orbit:4:1.5deg", "--sort-window", 2,
        "--sort-margin", 5, "--sort-fastest", 2,
    )  # fmt: skip
    arrays: list[np.ndarray] = []
    reports: list[dict] = []
    for backend, check in (("model", ()), ("rtl", ("--check",))):
        files = ("--array", tmp_path / f"{backend}.npy", "--report", tmp_path / f"{backend}.json")
        outcome = tessera(*line, "--backend", backend, *check, *files)
        assert (outcome.status, outcome.err) == (0, "")
        arrays.append(np.load(tmp_path / f"{backend}.npy"))
        reports.append(json.loads((tmp_path / f"{backend}.json").read_text()))
    assert np.array_equal(arrays[0], arrays[1])
    for model, rtl in zip(*(report["frames"] for report in reports), strict=True):
        assert rtl["quality"]["rtl_equals_model"]
        for name in ("sorted", "shared_psnr_db"):
            assert rtl["quality"][name] == model["quality"][name]
        own, cost = rtl["quality"], (rtl["cycles"], rtl["bytes"]["total"])
        assert ((own["own_cycles"], own["own_bytes"]) == cost) == (own["sorted"] == 1)
    assert [frame["quality"]["sorted"] for frame in reports[1]["frames"]] == [1, 1, 0, 0]
    assert [frame["quality"]["sort_cycles"] > 0 for frame in reports[1]["frames"]] == [False, False, True, False]
    assert sum(frame["quality"]["own_cycles"] for frame in reports[1]["frames"]) == reports[1]["quality"]["own_cycles"]
