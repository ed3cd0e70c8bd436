"""Small scenes made to measure, and cameras that look at them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from golden.scenes import Camera, Scene
from golden.scenes.scene import SH_C0

Array = npt.NDArray[np.float64]


def scene_of(
    means: Array,
    scales: Array | float = 0.05,
    opacities: Array | float = 0.8,
    *,
    quaternions: Array | None = None,
    colors: Array | float = 1.0,
    sh: Array | None = None,
) -> Scene:
    """A scene of these Gaussians; scalars hold for all. `colors` only if there is no `sh`."""
    count = len(means)
    turned = np.tile([1.0, 0, 0, 0], (count, 1)) if quaternions is None else quaternions
    turned = turned / np.linalg.norm(turned, axis=1, keepdims=True)
    constant = (np.broadcast_to(colors, (count, 3)) - 0.5) / SH_C0
    return Scene(
        name="made",
        means=np.asarray(means, np.float64),
        scales=np.broadcast_to(scales, (count, 3)).astype(np.float32),
        quaternions=turned.astype(np.float32),
        opacities=np.broadcast_to(opacities, (count,)).astype(np.float32),
        sh=(constant[:, None] if sh is None else sh).astype(np.float32),
    )


def random_scene(seed: int, count: int, *, degree: int = 3, thinnest: float = 0.002, widest: float = 0.3) -> Scene:
    """Needles, discs and balls in the cube ±1, of any opacity and colour."""
    rng = np.random.default_rng(seed)
    return scene_of(
        rng.uniform(-1, 1, (count, 3)),
        np.exp(rng.uniform(np.log(thinnest), np.log(widest), (count, 3))),
        rng.uniform(0, 1, count),
        quaternions=rng.normal(size=(count, 4)),
        sh=rng.normal(0, 0.4, (count, (degree + 1) ** 2, 3)),
    )


def camera_at(
    eye: tuple[float, float, float] = (0, 0, -4), *, size: tuple[int, int] = (128, 128), focal: float = 110.0
) -> Camera:
    """Looks along +z from `eye`, principal point in the middle."""
    pose = np.eye(4)
    pose[:3, 3] = -np.array(eye)
    width, height = size
    return Camera(width=width, height=height, fx=focal, fy=focal, cx=width / 2, cy=height / 2, world_to_camera=pose)
