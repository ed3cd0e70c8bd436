"""Scenes that crowd the depth sort, made to measure: many Gaussians behind few pixels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from golden.scenes import Camera, Scene, orbit
from golden.scenes.scene import SH_C0, make_scene

Doubles = npt.NDArray[np.float64]


def slab_from_above(count: int = 40_000, seed: int = 1) -> tuple[Scene, Camera]:
    """A flat piece of ground, seen from straight above in one group of 64×64 pixels."""
    rng = np.random.default_rng(seed)
    means = rng.uniform(-1, 1, (count, 3)) * [1, 1, 0.03]
    pose = np.eye(4)
    pose[2, 3] = 3
    camera = Camera(width=64, height=64, fx=80, fy=80, cx=32, cy=32, world_to_camera=pose)
    return _scene("slab from above", rng, means, 0.0075), camera


def instrument(count: int = 91_000, seed: int = 2, *, size: int = 256) -> tuple[Scene, Camera]:
    """Dense surfaces as a scan of a guitar has them: a thin hollow body of two bouts, a neck, strings above both."""
    rng = np.random.default_rng(seed)
    parts = rng.choice(4, count, p=[0.5, 0.25, 0.15, 0.1])
    angle, height = rng.uniform(0, 2 * np.pi, count), rng.choice([-1.0, 1.0], count)
    radius = np.sqrt(rng.uniform(0, 1, count))
    bouts = np.where(parts == 0, 0.55, 0.4)
    middle = np.where(parts == 0, 0.0, 0.7)
    body = np.stack([radius * np.cos(angle) * bouts, middle + radius * np.sin(angle) * bouts], 1)
    rim = rng.uniform(0, 1, count) < 0.2
    body[rim] /= radius[rim, None]
    depth = np.where(rim, rng.uniform(-0.1, 0.1, count), 0.1 * height)
    long = rng.uniform(0.9, 2.3, count)
    neck = np.stack([rng.uniform(-0.06, 0.06, count), long, 0.04 * height + 0.08], 1)
    strings = np.stack(
        [0.015 * rng.integers(-2, 4, count) - 0.0075, rng.uniform(0, 2.3, count), np.full(count, 0.15)], 1
    )
    means = np.concatenate([body, depth[:, None]], 1)
    for part, points in ((2, neck), (3, strings)):
        means[parts == part] = points[parts == part]
    means += rng.normal(0, 0.002, means.shape)
    scene = _scene("instrument", rng, means, 0.006)
    return scene, orbit(scene, 1, 3, width=size, height=size)


def _scene(name: str, rng: np.random.Generator, means: Doubles, scale: float) -> Scene:
    """Small Gaussians of any opacity, colour and direction at these places."""
    count = len(means)
    colors = 0.5 + 0.4 * np.sin(4 * means + [0, 2, 4])
    return make_scene(
        name,
        means=means.astype(np.float32),
        log_scales=np.log(scale * np.exp(rng.normal(0, 0.4, (count, 3)))).astype(np.float32),
        quaternions=rng.normal(size=(count, 4)).astype(np.float32),
        opacities=rng.beta(1.2, 2.4, count).astype(np.float32),
        sh=((colors - 0.5) / SH_C0)[:, None].astype(np.float32),
    )
