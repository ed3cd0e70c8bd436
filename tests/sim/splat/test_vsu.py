"""A frame from the scene and a camera alone: the engine makes its own lists, and draws what the model draws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from golden.scenes import load_scene, orbit
from golden.splat.memory_image import build_memory_image
from golden.splat.memory_map import HEADER_BYTES, VIEW_BYTES
from hw.splat.config import CONFIGS
from sim.splat.workload import Lists, SplatWorkload, prepare
from tests.golden.splat.rows import view_of
from tests.golden.splat.scenes import camera_at, random_scene
from tests.sim.splat.frames import drawn

ROOM = 1 << 16


def few(eye: tuple[float, float, float]) -> SplatWorkload:
    """400 Gaussians on 51×37 pixels, of which the engine sorts the voxels."""
    scene = random_scene(11, 400, degree=1, thinnest=0.01, widest=0.1)
    work = prepare(scene, camera_at(eye, size=(51, 37), focal=40.0), CONFIGS["tiny"]())
    assert work.why_host is None
    memory = build_memory_image(work.image, work.frame, work.config.spec, list_room=ROOM, listed=False)
    return replace(work, memory=memory)


def in_voxel(*offset: float) -> tuple[float, float, float]:
    """A place in the fullest voxel of the scene, in edges from its corner."""
    grid = few((0, 0, -3)).image.grid
    x, y, z = (grid.origin + (grid.index[grid.count.argmax()] + offset) * grid.edge).tolist()
    return x, y, z


EYES = {
    "another side": lambda: (0.7, -0.4, -2.5),
    "inside a voxel": lambda: in_voxel(0.5, 0.5, 0.5),
    "on a voxel's face": lambda: in_voxel(0.5, 0.5, 1.0),
    "on a voxel's corner": lambda: in_voxel(0.0, 0.0, 0.0),
    "the scene behind": lambda: (0.0, 0.0, 30.0),
}


@pytest.mark.parametrize(("name", "stalls"), [(name, 25 * n) for n, name in enumerate(EYES)])
def test_another_cameras_words_give_the_other_frame(name: str, stalls: int) -> None:
    """Header and view of another camera before the same scene; nothing else of the memory differs."""
    from golden.splat.model import render

    work = few(EYES[name]())
    assert np.flatnonzero(work.memory.data != few((0, 0, -3)).memory.data).max() < HEADER_BYTES + VIEW_BYTES
    run = drawn(work, stalls=stalls)
    wanted = render(work.image, work.frame, work.config.spec)
    assert (run.results["framebuffer"] == wanted.image.numpy()).all()
    assert run.results["framebuffer"].any() == (name != "the scene behind")
    counters = run.counters
    assert counters["listed_voxels"] == sum(len(group.voxels) for group in work.frame.groups)
    assert 0 < counters["order_cycles"] < counters["cycles"]
    assert counters["lost_voxels"] == counters["lost_entries"] == counters["bound_fell"] == 0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"order_sides": 4}, "order_sides must be at least columns of groups + 1, and rows + 1: 5, it is 4"),
        ({"order_voxels": 256}, "order_voxels must be at least the 633 voxels in view, it is 256"),
    ],
)
def test_what_the_unit_cannot_order_the_host_does(changes: dict[str, int], reason: str) -> None:
    config = replace(CONFIGS["tiny"](), **changes)
    scene = load_scene("embedded")
    camera = orbit(scene, 1, 3, width=64, height=64)
    work = prepare(scene, camera, config)
    assert work.why_host
    assert work.why_host.startswith(reason)
    assert "\n" not in work.why_host
    assert view_of(work.memory.data)["listed"] == 1
    by_host = prepare(scene, camera, config, lists=Lists.HOST)
    assert by_host.why_host is None
    assert np.array_equal(by_host.memory.data, work.memory.data)
