"""Several cameras as one job: the next frame is listed while one is drawn, and every frame is the model's."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from golden.errors import InputError
from golden.scenes import Camera
from golden.splat.memory_map import HEADER_BYTES, VIEW_BYTES
from golden.splat.path_image import build_path_image
from hw.splat.config import CONFIGS
from sim.kernel.jobs import MemorySettings
from sim.kernel.run import Run
from sim.splat.path import PathWorkload, prepare_path
from sim.splat.run import run_path
from tests.golden.splat.scenes import camera_at, random_scene
from tests.sim.splat.frames import booked_config

ROOM = 1 << 15
WAYS = {
    "there": [(0.0, 0.0, -3.0), (0.3, 0.0, -2.8), (0.6, -0.2, -2.6), (0.7, -0.4, -2.5)],
    "into the scene and out": [(0.1, 0.2, -2.0), (0.05, 0.1, 0.0), (0.0, 0.0, 30.0), (0.0, 0.3, -2.2)],
}
LISTED = {"engine": (False,) * 4, "both": (False, True, False, False), "host": (True,) * 4}


def cameras(way: str) -> list[Camera]:
    """Views of 400 Gaussians, of different sizes."""
    sizes = [(51, 37), (40, 33), (33, 20), (51, 37)]
    return [camera_at(eye, size=size, focal=40.0) for eye, size in zip(WAYS[way], sizes, strict=True)]


@cache
def path(way: str, lists: str) -> PathWorkload:
    scene = random_scene(11, 400, degree=1, thinnest=0.01, widest=0.1)
    made = prepare_path(scene, cameras(way), CONFIGS["tiny"]())
    assert made.listed == LISTED["engine"]
    listed = LISTED[lists]
    memory = build_path_image(made.image, made.frames, made.config.spec, listed=listed, list_room=ROOM)
    return replace(made, memory=memory, listed=listed)


def drawn(work: PathWorkload, stalls: int) -> Run:
    """All frames by RTL, each compared with the model."""
    return run_path(work, memory=MemorySettings(stalls=stalls), check=True)


@pytest.mark.parametrize("stalls", [0, 64])
@pytest.mark.parametrize(
    ("way", "lists"),
    [("there", "engine"), ("into the scene and out", "engine"), ("there", "both"), ("there", "host")],
)
def test_every_frame_is_the_models(way: str, lists: str, stalls: int) -> None:
    work = path(way, lists)
    counters = drawn(work, stalls).counters
    made = [frame for frame, by_host in zip(work.frames, work.listed, strict=True) if not by_host]
    assert counters["frames"] == len(work.frames)
    assert counters["groups"] == sum(len(frame.groups) for frame in work.frames)
    assert counters["listed_voxels"] == sum(len(group.voxels) for frame in made for group in frame.groups)
    assert counters["lost_voxels"] == counters["lost_entries"] == counters["bound_fell"] == counters["forced"] == 0
    assert 0 < counters["order_alone"] < counters["order_cycles"]


def test_the_codebooks_are_loaded_once() -> None:
    """All frames have the same; each reads no more than where they lie."""
    scene = random_scene(11, 400, degree=1, thinnest=0.01, widest=0.1)
    run = drawn(prepare_path(scene, cameras("there"), booked_config()), 64)
    assert run.counters["book_loads"] == 1
    assert run.counters["frames"] == 4


def test_the_lists_of_later_frames_take_no_time() -> None:
    """The path takes what it takes with the host's lists, and the first frame's listing."""
    by_engine, by_host = (drawn(path("there", lists), 0).counters for lists in ("engine", "host"))
    assert by_engine["cycles"] < by_host["cycles"] + by_engine["order_alone"] + 0.05 * by_host["cycles"]
    assert by_engine["order_alone"] < 0.4 * by_engine["order_cycles"]


def test_only_the_cameras_words_change() -> None:
    """Two paths over one scene differ in headers and views alone, and give different frames."""
    one, other = path("there", "engine"), path("into the scene and out", "engine")
    heads = len(one.frames) * (HEADER_BYTES + VIEW_BYTES)
    assert np.flatnonzero(one.memory.data != other.memory.data).max() < heads
    mixed = replace(one, memory=other.memory, frames=other.frames)
    results = drawn(mixed, 25).results
    assert not np.array_equal(results["framebuffer_1"], drawn(one, 25).results["framebuffer_1"])
    assert not results["framebuffer_2"].any()  # the scene lies behind


def test_refused() -> None:
    scene = random_scene(11, 400, degree=1, thinnest=0.01, widest=0.1)
    config = CONFIGS["tiny"]()
    with pytest.raises(InputError, match="a path must have at least one camera, it has 0"):
        prepare_path(scene, [], config)
    far = camera_at((0, 0, -1e6), size=(40, 33), focal=40.0)
    with pytest.raises(InputError, match="see the scene stored in one way, view 1 needs voxels of") as refusal:
        prepare_path(scene, [*cameras("there"), far][-2:], config)
    assert "\n" not in str(refusal.value)
