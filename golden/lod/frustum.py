"""A view's frustum: a node whose box lies outside the picture is neither drawn nor expanded.

It is a search's option. Temporal search does without: a node that is outside stays undecided until
the camera turns, and any rotation would use up every slack.
"""

from __future__ import annotations

import numpy as np

from golden.lod.hierarchy import Doubles, Ints
from golden.lod.spec import PLANE_BITS
from golden.scenes import Camera

EVERYWHERE: Ints = np.zeros((4, 3), np.int64)  # planes without a direction have no outside


def corner_rays(camera: Camera) -> Doubles:
    """Directions to the picture's corners, in order around it, world axes, [4, 3]."""
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * (camera.width, camera.height)
    rays = np.column_stack([(corners - (camera.cx, camera.cy)) / (camera.fx, camera.fy), np.ones(4)])
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    return rays @ camera.world_to_camera[:3, :3]


def side_planes(camera: Camera) -> Doubles:
    """Unit normals, inwards, of the planes through the camera and the picture's sides, [4, 3]."""
    rays = corner_rays(camera)
    normals = np.cross(rays, np.roll(rays, -1, axis=0))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return normals * np.sign((normals @ rays.sum(axis=0))[:, None])


def quantise_planes(camera: Camera) -> Ints:
    """Normals of `PLANE_BITS` bits whose half-spaces hold the whole frustum, [4, 3]."""
    rays, forward = corner_rays(camera), camera.world_to_camera[2, :3]
    return np.array([_quantise(normal, rays, forward) for normal in side_planes(camera)])


def _quantise(normal: Doubles, rays: Doubles, forward: Doubles) -> Ints:
    """Leans a normal forward until no corner of the picture is behind its plane.

    A picture of nearly 180 degrees may leave no such normal; that side then has no outside.
    """
    scale = (1 << (PLANE_BITS - 1)) - 1
    for lean in np.arange(0, 1, 0.5 / scale):
        towards = normal + lean * forward
        code = np.round(towards * (scale / np.abs(towards).max())).astype(np.int64)
        if (rays @ code).min() > 0:
            return code
    return EVERYWHERE[0]


def in_sight(camera: Camera, low: Doubles, high: Doubles) -> np.ndarray:
    """Boxes [n, 3] that reach into the half-spaces of all four sides, in floating point, bool [n]."""
    seen = np.ones(len(low), np.bool_)
    for normal in side_planes(camera):
        corner = np.where(normal < 0, low, high) - camera.position
        seen &= corner @ normal >= 0
    return seen
