"""Frames that several tests draw, quantised once a process.

`embedded` stands for the default scene; `few` for 400 random Gaussians that leave no group opaque; `bare` for as many
without harmonics; `around` for 40 faint ones, larger than the frame, around the camera, through a window beside the
axis; `wall` for thousands behind a few that hide them. `embedded` and `wall` crowd the tiny engine's depth sort, so
the host has parted them: that takes a fifth of the cycles. What the engine parts is in `test_slabs.py`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from golden.scenes import Scene, load_scene, orbit
from golden.splat.model import ModelResult, render
from hw.splat.config import CONFIGS, Config
from sim.kernel.jobs import MemorySettings
from sim.kernel.run import Run
from sim.splat.run import run
from sim.splat.workload import Lists, SplatWorkload, prepare
from tests.golden.splat.scenes import camera_at, random_scene, scene_of

VIEWS = 3  # of an orbit


def booked_config() -> Config:
    """Codebooks, words kept for other groups, and pixels that give way: one simulator for all that draw by it."""
    config = CONFIGS["tiny"]()
    return replace(
        config, spec=replace(config.spec, codebooks=1),
        coarse_cache=64, record_cache=32, pixel_depth=40, pixel_interval=4,
    )  # fmt: skip


@cache
def workload(config: str = "tiny", scene: str = "embedded", *, width: int = 64, height: int = 64) -> SplatWorkload:
    """A view of a scene for a named config."""
    chosen = CONFIGS[config]()
    if scene == "embedded":
        loaded = load_scene(scene)
        camera = orbit(loaded, 1, VIEWS, width=width, height=height)
        return prepare(loaded, camera, chosen, lists=Lists.HOST if config == "tiny" else Lists.ENGINE)
    if scene == "around":
        rng = np.random.default_rng(1)
        # Just behind the near plane and far to the sides: thousands of pixels off, and as large.
        beside = rng.uniform(-40, 40, (20, 3)) * [1, 1, 0] + rng.uniform(0.25, 0.7, (20, 1)) * [0, 0, 1]
        faint = scene_of(
            np.concatenate([rng.uniform(-4, 4, (20, 3)), beside]),
            np.concatenate([np.exp(rng.uniform(-1, 1.5, (20, 3))), rng.uniform(12, 20, (20, 3))]),
            rng.uniform(0.02, 0.3, 40), quaternions=rng.normal(size=(40, 4)), colors=rng.uniform(0, 1, (40, 3)),
        )  # fmt: skip
        camera = camera_at((0, 0, 0), size=(width, height), focal=width)
        return prepare(faint, replace(camera, cx=-0.2 * width, cy=0.7 * height), chosen)
    if scene == "wall":
        return prepare(wall(), camera_at(size=(width, height), focal=1.5 * width), chosen, lists=Lists.HOST)
    few = random_scene(11, 400, degree=0 if scene == "bare" else 1, thinnest=0.01, widest=0.1)
    return prepare(few, camera_at(size=(width, height), focal=0.85 * width), chosen)


def wall() -> Scene:
    """4,000 Gaussians in a deep box, and before them 20 wide opaque ones."""
    rng = np.random.default_rng(12)
    behind, front = rng.uniform([-1, -1, 0], [1, 1, 9], (4000, 3)), rng.uniform([-1, -1, -1.4], [1, 1, -1.2], (20, 3))
    scales = np.repeat([[0.05], [2.0]], [4000, 20], axis=0)
    opacities = np.repeat([0.3, 0.99], [4000, 20])
    return scene_of(np.concatenate([behind, front]), scales, opacities)


@cache
def model(*which: str, **size: int) -> ModelResult:
    """The frame of `workload` with the same arguments by the bit-true model."""
    drawn = workload(*which, **size)
    return render(drawn.image, drawn.frame, drawn.config.spec)


def drawn(work: SplatWorkload, **settings: Any) -> Run:
    """The frame by RTL, not compared yet."""
    return run(work, memory=MemorySettings(**settings))
