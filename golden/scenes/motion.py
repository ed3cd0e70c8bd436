"""Where a camera will be: its motion from one frame to the next, carried on."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from golden.scenes.camera import Camera

Doubles = npt.NDArray[np.float64]


def turn(before: Camera, now: Camera) -> float:
    """The angle between two cameras' directions and rolls, in rad."""
    return float(np.linalg.norm(_rotation_vector(now.world_to_camera[:3, :3] @ before.world_to_camera[:3, :3].T)))


def predict(before: Camera, now: Camera, frames: float) -> Camera:
    """The camera `frames` after `now`: it goes straight on, and turns on about the axis of its last turn.

    The interval is that between `before` and `now`; what else a camera has is `now`'s.
    """
    turned = _rotation_vector(now.world_to_camera[:3, :3] @ before.world_to_camera[:3, :3].T)
    rotation = _rotation(turned * frames) @ now.world_to_camera[:3, :3]
    position = now.position + (now.position - before.position) * frames
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = -rotation @ position
    return replace(now, world_to_camera=matrix)


def _rotation_vector(rotation: Doubles) -> Doubles:
    """Axis times angle in rad; of a half turn, where the axis has no sign, none of its two."""
    twice = np.array(
        [rotation[2, 1] - rotation[1, 2], rotation[0, 2] - rotation[2, 0], rotation[1, 0] - rotation[0, 1]]
    )
    sine, cosine = float(np.linalg.norm(twice)) / 2, (float(np.trace(rotation)) - 1) / 2
    return twice / 2 * (math.atan2(sine, cosine) / sine if sine > 1e-12 else 1.0)


def _rotation(vector: Doubles) -> Doubles:
    """The rotation matrix of axis times angle, by Rodrigues' formula."""
    angle = float(np.linalg.norm(vector))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = vector / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross
