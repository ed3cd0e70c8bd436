"""Frames that crowd the depth sort: the engine parts their squares into depth slabs, alone, and draws the model's."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from golden.scenes import Scene
from golden.splat.model import render
from hw.splat.config import CONFIGS
from sim.kernel.jobs import MemorySettings
from sim.splat.path import PathWorkload, prepare_path
from sim.splat.run import run_path
from sim.splat.workload import Lists, SplatWorkload, prepare
from tests.golden.splat.rows import view_of
from tests.golden.splat.scenes import camera_at, random_scene, scene_of
from tests.sim.splat.frames import drawn

FREE, PAUSES = 0, 100  # chance of a pause, in 256
EYES = [(0.0, 0.0, -3.0), (0.3, 0.0, -2.6), (0.1, 0.1, -8.0)]
SIZES = [(40, 27), (33, 20), (16, 16)]


@cache
def crowd() -> Scene:
    """More survivors in most squares than the tiny engine's sort of 255 holds."""
    return random_scene(11, 3000, degree=1, thinnest=0.01, widest=0.08)


@cache
def workload(name: str, lists: Lists = Lists.ENGINE) -> SplatWorkload:
    """`crowd`, or `plane`: a crowd with 300 Gaussians of one depth in its middle, which no slab can part."""
    scene = crowd()
    if name == "plane":
        rng = np.random.default_rng(8)
        places = rng.uniform(-1, 1, (300, 3)) * [1, 1, 0]
        before = rng.uniform([-1, -1, -1.0], [1, 1, -0.1], (600, 3))
        scene = scene_of(np.concatenate([before, places, -before]), 0.02)
    size = SIZES[0] if name == "crowd" else (16, 16)
    return prepare(scene, camera_at(EYES[0], size=size, focal=size[0] * 0.85), CONFIGS["tiny"](), lists=lists)


@pytest.mark.parametrize("stalls", [FREE, PAUSES])
@pytest.mark.parametrize("name", ["crowd", "plane"])
def test_a_crowded_frame_is_the_models(name: str, stalls: int) -> None:
    """Pixels, slabs, and what leaves early, with the header's camera and the scene alone; and with the host's slabs."""
    work = workload(name)
    assert view_of(work.memory.data)["listed"] == 0
    wanted = render(work.image, work.frame, work.config.spec)
    run = drawn(work, stalls=stalls)
    assert (run.results["framebuffer"] == wanted.image.numpy()).all()
    assert run.counters["crowded"] == wanted.work.crowded > 5
    assert run.counters["forced"] == wanted.work.forced
    assert (wanted.work.forced > 0) == (name == "plane")
    by_host = drawn(workload(name, Lists.HOST), stalls=stalls)
    assert np.array_equal(by_host.results["framebuffer"], run.results["framebuffer"])
    assert by_host.counters["streamed"] < run.counters["streamed"]
    assert (by_host.counters["crowded"] > 0) == (name == "plane"), "the host leaves nothing but what cannot be parted"


@cache
def path() -> PathWorkload:
    cameras = [camera_at(eye, size=size, focal=34.0) for eye, size in zip(EYES, SIZES, strict=True)]
    return prepare_path(crowd(), cameras, CONFIGS["tiny"]())


@pytest.mark.parametrize("stalls", [FREE, PAUSES])
def test_frames_of_a_path_are_parted_too(stalls: int) -> None:
    """Squares of every frame are given up and drawn again while the next frame is listed; each lands in its place."""
    work = path()
    assert not any(work.listed)
    run = run_path(work, memory=MemorySettings(stalls=stalls), check=True)
    models = [render(work.image, frame, work.config.spec).work for frame in work.frames]
    assert run.counters["crowded"] == sum(model.crowded for model in models)
    assert all(model.crowded > 0 for model in models)
    assert run.counters["frames"] == len(work.frames)
