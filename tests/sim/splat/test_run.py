from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from golden.scenes import load_scene, orbit
from golden.splat.book_image import pack_books
from golden.splat.memory_map import (
    BOOKS_BYTES,
    COARSE_BYTES,
    GROUP_BYTES,
    HEADER,
    HEADER_BYTES,
    PIXEL_BYTES,
    VOXEL_BYTES,
)
from golden.splat.model import ModelResult, render
from golden.splat.traffic import voxel_words
from hw.splat.config import CONFIGS
from hw.splat.counters import counters_of
from sim.kernel.compare import CheckError
from sim.kernel.jobs import JobResult
from sim.kernel.roofline import dram_bytes
from sim.kernel.run import Run, compare
from sim.kernel.runner import SimulationError
from sim.splat.run import DRAW
from sim.splat.suite import run_scene
from sim.splat.workload import Lists, SplatWorkload, prepare
from tests.golden.splat.views import View
from tests.sim.splat.frames import VIEWS, booked_config, drawn, model, workload

SCENES = ("lastchance", "flowers_3_0", "statue_angel", "skull")
FREE, PAUSES = 0, 100  # chance of a pause, in 256
ODD = {"width": 51, "height": 37}  # no multiple of a group or a sub-tile


@cache
def frame(stalls: int = FREE) -> Run:
    """A frame of 64×64 pixels of the default scene by the tiny engine."""
    return drawn(workload(), stalls=stalls)


def pixels(run: Run) -> npt.NDArray[np.uint8]:
    """[H, W, 4]"""
    return run.results["framebuffer"]


def job_of(run: Run) -> JobResult:
    """What the simulator says of it."""
    assert run.job
    return run.job


@pytest.mark.parametrize("stalls", [FREE, PAUSES])
def test_a_frame_equals_the_model(stalls: int) -> None:
    """Every byte of sixteen groups, most in depth slabs, some cut short because they are opaque."""
    assert (pixels(frame(stalls)) == model().image.numpy()).all()
    counters = frame(stalls).counters
    assert 0 < counters["groups_stopped"] < counters["groups"]
    assert sum(not group.continued for group in workload().frame.groups) == 16 < counters["groups"]
    assert counters["forced"] == 0


@pytest.mark.parametrize(
    "memory",
    [{}, {"stalls": 220, "seed": 9}, {"latency": 1}, {"latency": 800, "stalls": 30}, {"bandwidth": 20}],
)
def test_a_frame_equals_the_model_whatever_the_memory_does(memory: dict[str, int]) -> None:
    """Pixels do not depend on time; what lies beyond the image in the last groups is neither missing nor shown."""
    got = pixels(drawn(workload("tiny", "few", **ODD), **memory))
    assert got.shape == (37, 51, 4)
    assert got.any(axis=(0, 1)).all()
    assert (got == model("tiny", "few", **ODD).image.numpy()).all()


def draws_as(work: SplatWorkload, wanted: ModelResult, stalls: int) -> None:
    """Pixels and work are the model's; of a wrong pixel no stream between the stages, pairs among them, is blamed."""
    run = drawn(work, stalls=stalls)
    assert (pixels(run) == wanted.image.numpy()).all()
    for name in ("streamed", "candidates", "splats"):
        assert run.counters[name] == getattr(wanted.work, name), name
    wrong = pixels(run).copy()
    wrong[1, 2, 0] ^= 1
    with pytest.raises(CheckError, match="the first stage that differs: memory write"):
        compare(DRAW, work, {"framebuffer": wrong}, wanted)


@pytest.mark.slow  # a simulator of its own
@pytest.mark.parametrize("stalls", [FREE, PAUSES])
def test_two_fine_units_draw_the_same(stalls: int) -> None:
    """Records of 32 bytes go in pairs, and pairs of splats into two halves of the depth sort."""
    config = replace(CONFIGS["tiny"](), memory_width=512, coarse_lanes=4, fine_units=2)
    config = replace(config, spec=replace(config.spec, sort_levels=7, sort_banks=2))
    assert config.sort_inputs == 2
    work, wanted = replace(workload("tiny", "few", **ODD), config=config), model("tiny", "few", **ODD)
    draws_as(work, wanted, stalls)


@cache
def booked(scene: str = "few", **fields: int) -> SplatWorkload:
    """A view drawn by `booked_config`, with `fields` of it changed."""
    given = workload("tiny", scene, **ODD)
    return prepare(given.scene, given.camera, replace(booked_config(), **fields))


@pytest.mark.slow  # a simulator of its own
@pytest.mark.parametrize("stalls", [FREE, PAUSES])
def test_two_fine_units_with_codebooks_draw_the_same(stalls: int) -> None:
    """A scene with harmonics, whose candidates go one by one, and one without, whose go in pairs."""
    pair = {"memory_width": 512, "coarse_lanes": 4, "fine_units": 2}
    for work in (booked(**pair), booked("bare", **pair)):
        draws_as(work, render(work.image, work.frame, work.config.spec), stalls)


@pytest.mark.parametrize("stalls", [FREE, PAUSES])
def test_codebooks_draw_the_models_picture(stalls: int) -> None:
    """Books, indices and voxels without gaps: every pixel and the work are the model's, and bytes are counted."""
    work = booked()
    assert work.image.books
    wanted = render(work.image, work.frame, work.config.spec)
    run = drawn(work, stalls=stalls)
    assert (pixels(run) == wanted.image.numpy()).all()
    counters = run.counters
    for name in ("streamed", "candidates", "splats"):
        assert counters[name] == getattr(wanted.work, name), name
    moved = dram_bytes(counters, work.config.word_bytes)
    assert moved["total"] - moved["write"] - moved["order_write"] == job_of(run).bytes_read
    assert moved["book"] == BOOKS_BYTES + pack_books(work.image.books, work.config.spec).size
    assert (counters["book_loads"], counters["book_wait"]) == (1, 0)  # while the frame is listed
    words = voxel_words(
        work.image, work.frame, work.config.spec, word_bytes=work.config.word_bytes, coarse_cache=64, record_cache=32
    )
    for name in ("coarse", "record"):
        assert counters[f"{name}_hits"] == getattr(words, f"{name}_hits") > 0, name
        assert counters[f"{name}_words"] == getattr(words, name) - counters[f"{name}_hits"], name
    plain = drawn(workload("tiny", "few", **ODD), stalls=stalls).counters
    assert moved["record"] < work.config.word_bytes * plain["record_words"] / 2
    wrong = pixels(run).copy()
    wrong[1, 2, 0] ^= 1
    with pytest.raises(CheckError, match="the first stage that differs: memory write"):
        compare(replace(DRAW, counters=counters_of(work.config)), work, {"framebuffer": wrong}, wanted)


def test_a_camera_amid_large_gaussians() -> None:
    """Centres far off the image on their exponents, covariances beyond their width, a guard band that is not even."""
    work = workload("tiny", "around", **ODD)
    splats = [s for group in work.frame.groups for s in view_of(work).splats(group).mean_exponent.tolist()]
    assert max(splats) > 2
    got = pixels(drawn(work))
    assert got.any(axis=(0, 1)).all()
    assert (got == model("tiny", "around", **ODD).image.numpy()).all()


def view_of(work: SplatWorkload) -> View:
    return View(spec=work.config.spec, scene=work.scene, camera=work.camera, image=work.image, frame=work.frame)


@pytest.mark.parametrize("stalls", [FREE, PAUSES])
def test_bytes_are_those_that_the_memory_served(stalls: int) -> None:
    """The engine's word counters agree with the memory's own, and with the sizes of what must move."""
    job = job_of(frame(stalls))
    moved = dram_bytes(job.counters, workload().config.word_bytes)
    assert moved["total"] - moved["write"] == job.bytes_read
    assert moved["write"] == job.bytes_written == 64 * 64 * PIXEL_BYTES
    assert moved["frame"] == HEADER_BYTES + len(workload().frame.groups) * GROUP_BYTES
    assert moved["list"] >= VOXEL_BYTES * job.counters["voxels"]
    assert moved["coarse"] >= COARSE_BYTES * job.counters["streamed"]


def test_pauses_cost_cycles_and_hardly_work() -> None:
    """A slower memory takes longer over the same groups; no work exceeds the model's, which cuts nothing short."""
    free, slow = frame(FREE).counters, frame(PAUSES).counters
    assert slow["cycles"] > free["cycles"]
    work = model().work
    for counters in (free, slow):
        assert counters["groups"] == len(workload().frame.groups)
        assert counters["write_words"] == free["write_words"]
        assert counters["bound_fell"] == 0
        for name in ("voxels", "streamed", "candidates", "splats"):
            assert 0.5 * getattr(work, name) < counters[name] <= getattr(work, name), name
        assert 0.5 * work.useful_touches < counters["draws"] <= work.touches


def test_work_equals_the_model_where_nothing_is_cut_short() -> None:
    """On a frame without an opaque group every work counter is the model's number, with and without pauses."""
    work = model("tiny", "few", **ODD).work
    groups = workload("tiny", "few", **ODD).frame.groups
    for stalls in (FREE, PAUSES):
        counters = drawn(workload("tiny", "few", **ODD), stalls=stalls).counters
        assert counters["groups_stopped"] == 0
        assert counters["rows"] == counters["streamed"]  # one coarse lane
        assert counters["flushes"] >= sum(g.valid_columns * g.valid_rows for g in groups)
        for name in ("voxels", "streamed", "candidates", "splats", "forced"):
            assert counters[name] == getattr(work, name), name
        assert work.useful_touches <= counters["draws"] <= work.touches


@pytest.mark.parametrize("stalls", [FREE, PAUSES])
def test_an_opaque_square_stops_all_of_its_slabs(stalls: int) -> None:
    """Behind an opaque wall in the first slab, hardly a Gaussian of the other slabs is read."""
    counters = drawn(workload("tiny", "wall", width=16, height=16), stalls=stalls).counters
    work = model("tiny", "wall", width=16, height=16).work
    groups = workload("tiny", "wall", width=16, height=16).frame.groups
    assert counters["groups"] == len(groups) > 5
    assert counters["groups_stopped"] > len(groups) - 4
    assert counters["streamed"] < 0.5 * work.streamed


def test_the_same_run_takes_the_same_cycles() -> None:
    """Seed and settings decide every counter; another seed moves the pauses."""
    first, again, other = (
        drawn(workload("tiny", "few", **ODD), stalls=PAUSES, seed=seed).counters for seed in (3, 3, 4)
    )
    assert first == again
    assert other["cycles"] != first["cycles"]


def test_cycles_are_never_below_the_bound() -> None:
    """The bound is one: the frame takes no fewer cycles than any stage needs, and a stage limits it."""
    for stalls in (FREE, PAUSES):
        roofline = frame(stalls).roofline
        assert roofline
        assert roofline.ratio >= 1
        assert roofline.bound == max(roofline.stages.values()) > 0


def test_an_access_beyond_the_memory_is_an_error() -> None:
    """A header whose coarse halves lie outside fails the run and names the address."""
    good = workload("tiny", "few", **ODD)
    data = good.memory.data.copy()
    place = 4 * [field.name for field in HEADER].index("coarse_address")
    data[place : place + 4] = np.frombuffer(np.uint32(0x7FFF_0000).tobytes(), np.uint8)
    broken = replace(good, memory=replace(good.memory, data=data))
    with pytest.raises(SimulationError, match=r"splat: access to address 0x7fff.*, beyond the memory's end"):
        drawn(broken)


def test_the_default_engine_equals_the_model() -> None:
    """One frame of 64 lanes with memory pauses, every byte."""
    got = pixels(drawn(workload("default", width=128, height=128), stalls=64))
    assert (got == model("default", width=128, height=128).image.numpy()).all()


@pytest.mark.slow
@pytest.mark.parametrize("view", range(VIEWS))
@pytest.mark.parametrize("scene", ["embedded", *SCENES])
def test_a_scene_meets_the_bars(request: pytest.FixtureRequest, scene: str, view: int) -> None:
    """Equal to the model with and without pauses, 45 dB, within 1.5 of the bound, 22 % of lane results useful."""
    source = scene
    if scene != "embedded":
        source = str(request.getfixturevalue("real_data") / "scenes" / f"{scene}.ply")
        assert Path(source).is_file()
    config = CONFIGS["default"]()
    run_scene(source, config, view=view, stalls=64)  # raises where RTL and model differ
    scene_frame = run_scene(source, config, view=view)
    report = scene_frame.report()
    assert report["quality"]["psnr_db"] >= 45
    assert report["ratio"] <= 1.5
    assert report["useful_share"] >= 0.22


@pytest.mark.slow
@pytest.mark.parametrize(("scene", "megabytes"), [("embedded", 1.4), ("skull", 5.0)])
def test_codebooks_meet_the_bars(request: pytest.FixtureRequest, scene: str, megabytes: float) -> None:
    """Equal to the model with and without pauses; no more bytes a frame than that, the books' load included."""
    source = scene if scene == "embedded" else str(request.getfixturevalue("real_data") / "scenes" / f"{scene}.ply")
    config = CONFIGS["default"]()
    config = replace(config, spec=replace(config.spec, codebooks=1), coarse_cache=2048, record_cache=2048)
    loaded = load_scene(source)
    camera = orbit(loaded, 1, VIEWS, width=256, height=256)
    work = prepare(loaded, camera, config, lists=Lists.HOST)
    wanted = render(work.image, work.frame, config.spec).image.numpy()
    for stalls in (64, FREE):
        run = drawn(work, stalls=stalls)
        assert (pixels(run) == wanted).all()
        assert dram_bytes(run.counters, config.word_bytes)["total"] <= megabytes * 1e6
