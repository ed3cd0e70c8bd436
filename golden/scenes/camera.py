"""Pin-hole cameras and orbits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from golden.errors import InputError
from golden.scenes.scene import Scene

MAX_SIDE = 8192  # pixels: the largest frame takes 256 MB
MIN_FOCAL, MAX_FOCAL = 1e-2, 1e6  # pixels; far beyond any lens on either side
MAX_DISTANCE = 1e12  # scene units; float32 renderers square it
ORBIT_FOV = math.radians(50)
ORBIT_ELEVATION = math.radians(18)


@dataclass(frozen=True, kw_only=True)
class Camera:
    """A pin-hole camera with OpenCV axes: x right, y down, z forward.

    A world point p is seen at pixel (fx·x/z + cx, fy·y/z + cy) with (x, y, z, 1) =
    `world_to_camera` · (p, 1). Pixel centres lie at integer + 0.5.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    world_to_camera: npt.NDArray[np.float64]  # [4, 4]

    def __post_init__(self) -> None:
        for field in ("width", "height"):
            if not 1 <= getattr(self, field) <= MAX_SIDE:
                raise InputError(f"camera: {field} must lie in 1..{MAX_SIDE} pixels, it is {getattr(self, field)}")
        for field in ("fx", "fy"):
            if not MIN_FOCAL <= getattr(self, field) <= MAX_FOCAL:
                value = getattr(self, field)
                raise InputError(f"camera: {field} must lie in {MIN_FOCAL:g}..{MAX_FOCAL:g} pixels, it is {value:g}")
        for field in ("cx", "cy"):
            if not abs(getattr(self, field)) <= MAX_FOCAL:
                value = getattr(self, field)
                raise InputError(f"camera: {field} must lie within ±{MAX_FOCAL:g} pixels, it is {value:g}")
        matrix = self.world_to_camera
        if matrix.shape != (4, 4) or not (np.abs(matrix) <= MAX_DISTANCE).all():
            raise InputError(f"camera: world_to_camera must be 4×4 numbers within ±{MAX_DISTANCE:g}")
        rotation = matrix[:3, :3]
        if np.abs(rotation @ rotation.T - np.eye(3)).max() > 1e-3 or np.linalg.det(rotation) < 0:
            raise InputError("camera: the upper left 3×3 of world_to_camera must be a rotation")
        if np.abs(matrix[3] - [0, 0, 0, 1]).max() > 1e-6:
            raise InputError(f"camera: the last row of world_to_camera must be 0 0 0 1, it is {_row(matrix[3])}")

    @property
    def position(self) -> npt.NDArray[np.float64]:
        """The camera's centre in world coordinates.

        What the matrix sends to 0, also where its rotation is one only to a few digits: far from
        the origin, its transpose would put the camera elsewhere.
        """
        centre = np.linalg.solve(self.world_to_camera[:3, :3], -self.world_to_camera[:3, 3])
        return centre.astype(np.float64)

    def to_json(self) -> dict[str, Any]:
        """The object that `camera_file.load_cameras` reads back."""
        return {
            **{k: getattr(self, k) for k in ("width", "height", "fx", "fy", "cx", "cy")},
            "world_to_camera": self.world_to_camera.tolist(),
        }


def look_at(
    eye: npt.NDArray[np.float64],
    target: npt.NDArray[np.float64],
    down: npt.NDArray[np.float64],
    *,
    width: int,
    height: int,
    fov: float,
) -> Camera:
    """A camera at `eye` that sees `target` in the centre, image y along `down`, `fov` rad over the shorter side.

    Raises:
        InputError: `target` is at `eye` or straight along `down`, or `down` is zero.
    """
    z = (target - eye) / max(float(np.linalg.norm(target - eye)), 1e-300)
    x = np.cross(down, z)
    if np.linalg.norm(x) <= 1e-9 * np.linalg.norm(down):
        raise InputError(f"camera: it must look across its 'down' {_row(down)}, it looks along {_row(z)}")
    x /= np.linalg.norm(x)
    rotation = np.stack([x, np.cross(z, x), z])
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = -rotation @ eye
    focal = 0.5 * min(width, height) / math.tan(fov / 2)
    return Camera(width=width, height=height, fx=focal, fy=focal, cx=width / 2, cy=height / 2, world_to_camera=matrix)


def orbit_name(view: int, views: int) -> str:
    """K/N in lowest terms: one name for one place, by which reports and baselines know it."""
    shared = math.gcd(view, views)
    return f"{view // shared}/{views // shared}"


def orbit(scene: Scene, view: int, views: int, *, width: int, height: int) -> Camera:
    """View `view` of `views` on a circle around the scene.

    The circle's centre is the opacity-weighted median of the Gaussians; its radius shows the
    nearest 80 % of the weight, and no less than one standard deviation of the median Gaussian.
    World y points down, as in 3DGS files.

    Raises:
        InputError: `views` below 1 or `view` outside 0..views-1.
    """
    if views < 1 or not 0 <= view < views:
        raise InputError(f"orbit: view K of N needs 0 <= K < N, got {view}/{views}")
    (camera,) = orbit_path(scene, [2 * math.pi * view / views], width=width, height=height)
    return camera


def orbit_path(scene: Scene, angles: Sequence[float], *, width: int, height: int) -> list[Camera]:
    """Cameras at `angles`, in rad, on the circle of `orbit`, all looking at its centre."""
    means = scene.means
    weight = scene.opacities.astype(np.float64)
    centre = np.array([_weighted_quantile(means[:, axis], weight, 0.5) for axis in range(3)])
    extent = _weighted_quantile(np.linalg.norm(means - centre, axis=1), weight, 0.8)
    extent = max(extent, _weighted_quantile(scene.scales.max(axis=1).astype(np.float64), weight, 0.5))
    radius = max(1.45 * extent / math.tan(ORBIT_FOV / 2), 1e-3)
    cameras: list[Camera] = []
    for angle in angles:
        direction = np.array([math.sin(angle), -math.tan(ORBIT_ELEVATION), -math.cos(angle)])
        eye = centre + radius * direction / np.linalg.norm(direction)
        cameras.append(look_at(eye, centre, np.array([0.0, 1.0, 0.0]), width=width, height=height, fov=ORBIT_FOV))
    return cameras


def _weighted_quantile(value: npt.NDArray[np.float64], weight: npt.NDArray[np.float64], q: float) -> float:
    order = np.argsort(value, kind="stable")
    cumulative = np.cumsum(weight[order] + 1e-12)
    return float(value[order][np.searchsorted(cumulative, q * cumulative[-1])])


def _row(values: npt.NDArray[np.float64]) -> str:
    return " ".join(f"{v:g}" for v in values)
