"""Camera paths of many views, for tests and measurements."""

from __future__ import annotations

import math

import numpy as np

from golden.errors import InputError
from golden.lod.hierarchy import Doubles
from golden.scenes import Camera, Scene, orbit
from golden.scenes.camera import look_at

TURN = math.radians(0.25)  # a frame of an orbit: 22.5 degrees a second at 90 frames a second
STRIDE = 0.004  # of the way to the scene's middle, a frame of a walk: it takes 2.8 s at 90 frames a second
JUMP = math.pi / 2  # of a cut, around the scene
PATHS = ("orbit", "walk", "jump", "still")


def camera_path(scene: Scene, name: str, frames: int, *, width: int, height: int) -> list[Camera]:
    """`orbit`, `walk` (towards the middle), `jump` (an orbit with a cut half-way) or `still`, from orbit view 1/3.

    Raises:
        InputError: no such path, or no frame.
    """
    if name not in PATHS:
        raise InputError(f"--path must be one of {', '.join(PATHS)}, it is '{name}'")
    if frames < 1:
        raise InputError(f"a path needs at least one frame, it has {frames}")
    first = orbit(scene, 1, 3, width=width, height=height)
    opposite = orbit(scene, 5, 6, width=width, height=height)  # on the other side of the same circle
    middle = (first.position + opposite.position) / 2
    middle[1] = _target_height(first, middle)
    down = np.array([0.0, 1.0, 0.0])
    fov = 2 * math.atan(0.5 * min(width, height) / first.fx)
    cameras: list[Camera] = []
    for k in range(frames):
        turn = {"orbit": k * TURN, "jump": k * TURN + JUMP * (2 * k >= frames)}.get(name, 0.0)
        arm = _turned(first.position - middle, turn) * (1 - STRIDE * k if name == "walk" else 1.0)
        cameras.append(look_at(middle + arm, middle, down, width=width, height=height, fov=fov))
    return cameras


def _target_height(camera: Camera, middle: Doubles) -> float:
    """Height at which the camera's axis passes the circle's axis."""
    forward = camera.world_to_camera[2, :3]
    away = middle - camera.position
    along = (away[0] * forward[0] + away[2] * forward[2]) / (forward[0] ** 2 + forward[2] ** 2)
    return float(camera.position[1] + along * forward[1])


def _turned(arm: Doubles, angle: float) -> Doubles:
    """Around the vertical axis."""
    c, s = math.cos(angle), math.sin(angle)
    return np.array([c * arm[0] + s * arm[2], arm[1], c * arm[2] - s * arm[0]])
