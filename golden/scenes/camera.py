"""Pin-hole cameras: the JSON files of the command line, INRIA's `cameras.json`, and orbits."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from golden.errors import InputError
from golden.scenes.scene import Scene

MAX_SIDE = 4096  # pixels; the engines address a frame with 12 bits a side
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
            value = getattr(self, field)
            if not (math.isfinite(value) and value > 0):
                raise InputError(f"camera: {field} must be positive and finite, it is {value}")
        for field in ("cx", "cy"):
            if not math.isfinite(getattr(self, field)):
                raise InputError(f"camera: {field} must be finite, it is {getattr(self, field)}")
        matrix = self.world_to_camera
        if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
            raise InputError("camera: world_to_camera must be 4×4 finite numbers")
        if np.abs(matrix[:3, :3] @ matrix[:3, :3].T - np.eye(3)).max() > 1e-3 or np.linalg.det(matrix[:3, :3]) < 0:
            raise InputError("camera: the upper 3×3 of world_to_camera must be a rotation")

    @property
    def position(self) -> npt.NDArray[np.float64]:
        """The camera's centre in world coordinates."""
        return -self.world_to_camera[:3, :3].T @ self.world_to_camera[:3, 3]

    def to_json(self) -> dict[str, Any]:
        """The object that `load_cameras` reads back."""
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
    """A camera at `eye` that sees `target` in the centre, image y along `down`, `fov` rad over the shorter side."""
    z = (target - eye) / np.linalg.norm(target - eye)
    x = np.cross(down, z)
    x /= np.linalg.norm(x)
    rotation = np.stack([x, np.cross(z, x), z])
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = -rotation @ eye
    focal = 0.5 * min(width, height) / math.tan(fov / 2)
    return Camera(width=width, height=height, fx=focal, fy=focal, cx=width / 2, cy=height / 2, world_to_camera=matrix)


def orbit(scene: Scene, view: int, views: int, *, width: int, height: int) -> Camera:
    """View `view` of `views` on a circle around the scene.

    The circle's centre is the opacity-weighted median of the Gaussians; its radius shows the
    nearest 80 % of the weight. World y points down, as in 3DGS files.

    Raises:
        InputError: `views` below 1 or `view` outside 0..views-1.
    """
    if views < 1 or not 0 <= view < views:
        raise InputError(f"orbit: view K of N needs 0 <= K < N, got {view}/{views}")
    means = scene.means.astype(np.float64)
    weight = scene.opacities.astype(np.float64)
    centre = np.array([_weighted_quantile(means[:, axis], weight, 0.5) for axis in range(3)])
    extent = _weighted_quantile(np.linalg.norm(means - centre, axis=1), weight, 0.8)
    radius = max(1.45 * extent / math.tan(ORBIT_FOV / 2), 1e-3)
    angle = 2 * math.pi * view / views
    direction = np.array([math.sin(angle), -math.tan(ORBIT_ELEVATION), -math.cos(angle)])
    eye = centre + radius * direction / np.linalg.norm(direction)
    return look_at(eye, centre, np.array([0.0, 1.0, 0.0]), width=width, height=height, fov=ORBIT_FOV)


def _weighted_quantile(value: npt.NDArray[np.float64], weight: npt.NDArray[np.float64], q: float) -> float:
    order = np.argsort(value, kind="stable")
    cumulative = np.cumsum(weight[order] + 1e-12)
    return float(value[order][np.searchsorted(cumulative, q * cumulative[-1])])


def load_cameras(path: str | Path) -> list[Camera]:
    """Reads a camera file: one object or a list, in this project's form or INRIA's.

    Raises:
        InputError: unreadable, not JSON, an empty list, a field missing or of the wrong type.
    """
    path = Path(path)
    try:
        data = json.loads(path.read_text())
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path.name}: a camera file is JSON: {error}") from error
    items = data if isinstance(data, list) else [data]
    if not items:
        raise InputError(f"{path.name}: a camera file needs at least one camera, the list is empty")
    return [_camera(f"{path.name}, camera {index}", item) for index, item in enumerate(items)]


def _camera(where: str, item: object) -> Camera:
    if not isinstance(item, Mapping):
        raise InputError(f"{where}: a camera is a JSON object, found {type(item).__name__}")
    inria = "position" in item and "rotation" in item
    required = ["width", "height", "fx", "fy"] + ([] if inria else ["cx", "cy", "world_to_camera"])
    missing = [field for field in required if field not in item]
    if missing:
        raise InputError(f"{where}: lacks the field '{missing[0]}'")
    try:
        width, height = int(item["width"]), int(item["height"])
        matrix = np.eye(4)
        if inria:  # camera to world: rotation columns are the camera's axes
            rotation = np.array(item["rotation"], np.float64).reshape(3, 3)
            matrix[:3, :3] = rotation.T
            matrix[:3, 3] = -rotation.T @ np.array(item["position"], np.float64).reshape(3)
        else:
            matrix = np.array(item["world_to_camera"], np.float64).reshape(4, 4)
        return Camera(
            width=width,
            height=height,
            fx=float(item["fx"]),
            fy=float(item["fy"]),
            cx=float(item.get("cx", width / 2)),
            cy=float(item.get("cy", height / 2)),
            world_to_camera=matrix,
        )
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{where}: a field is not of its type: {error}") from error
