"""What a camera must be for the engine's formats to hold it."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from golden.errors import InputError
from golden.scenes.camera import Camera
from golden.splat.spec import CAMERA_FRACTION, Spec

Doubles = npt.NDArray[np.float64]

MIN_FOCAL, MAX_FOCAL = 1, 1 << 16  # pixels; 4 bits of exponent
MAX_GROUPS = (1 << 16) - 1  # entries of the group table
MAX_TANGENT = 1.3  # of half a field of view; a larger one would not fit `Frame.stretch_x`, u1.7
#: Voxel edges from the camera to a voxel's corner, so that whatever lies in the voxel fits camera_format.
MAX_REACH = (1 << 15) - 4
GUARD_BAND = 0.3  # of half the field of view: how far beyond the image's edge the Jacobian is still evaluated


def check_intrinsics(camera: Camera, spec: Spec) -> None:
    """The camera's own numbers.

    Raises:
        InputError: a focal length or principal point out of range, a field of view wider than 2·atan(1.3), or
            more groups of pixels than the group table holds.
    """
    size = spec.group_size
    groups = -(-camera.width // size) * -(-camera.height // size)
    if groups > MAX_GROUPS:
        raise InputError(
            f"camera: a frame must have at most {MAX_GROUPS} groups of {size}×{size} pixels, "
            f"{camera.width}×{camera.height} has {groups}"
        )
    for name in ("fx", "fy"):
        if not MIN_FOCAL <= getattr(camera, name) < MAX_FOCAL:
            raise InputError(
                f"camera: {name} must lie in {MIN_FOCAL}..{MAX_FOCAL - 1} pixels for this engine, "
                f"it is {getattr(camera, name):g}"
            )
    reach = 1 << (spec.mean_format.width - 1 - spec.mean_format.fraction)
    for name, size in (("cx", camera.width), ("cy", camera.height)):
        if not size - reach <= getattr(camera, name) < reach:
            raise InputError(
                f"camera: {name} must lie in {size - reach}..{reach - 1} pixels for this engine, "
                f"it is {getattr(camera, name):g}"
            )
    tangent = max(_half_tangent(camera.cx, camera.width, camera.fx), _half_tangent(camera.cy, camera.height, camera.fy))
    if tangent > MAX_TANGENT:
        raise InputError(
            f"camera: half the field of view must have a tangent of at most {MAX_TANGENT}, it is {tangent:.3g}"
        )


def guard_band(camera: Camera) -> tuple[tuple[float, float], tuple[float, float]]:
    """Lowest and highest x/z, and lowest and highest y/z, at which the Jacobian is evaluated.

    They lie 0.3 × half the field of view beyond the image's edges: ±1.3 × where the principal point is
    in the middle (INRIA's rule), and the same band around any window of a larger image (gsplat's).
    """

    def ends(centre: float, size: int, focal: float) -> tuple[float, float]:
        beyond = GUARD_BAND * 0.5 * size / focal
        return -centre / focal - beyond, (size - centre) / focal + beyond

    return ends(camera.cx, camera.width, camera.fx), ends(camera.cy, camera.height, camera.fy)


def _half_tangent(centre: float, size: int, focal: float) -> float:
    """Of the wider half, where the principal point is not in the middle."""
    return max(abs(centre), abs(size - centre)) / focal


def near_code(near: float, edge: float, spec: Spec) -> int:
    """The near plane in camera_format, rounded up.

    Raises:
        InputError: it is not positive, or does not fit.
    """
    if not (math.isfinite(near) and near > 0):
        raise InputError(f"camera: the near plane must be positive, it is {near}")
    code = math.ceil(near / edge * (1 << CAMERA_FRACTION))
    if code > spec.camera_format.high:
        raise InputError(f"camera: the near plane must lie below {1 << 15} voxel edges, it is {near / edge:.0f}")
    return code


def check_reach(position: Doubles, index: npt.NDArray[np.int64]) -> None:
    """Where the camera stands, in voxel edges from the grid's origin, and the voxels' numbers [V, 3].

    Raises:
        InputError: a voxel, or the origin, is further than `MAX_REACH` edges from the camera.
    """
    furthest = max(np.linalg.norm(index - position, axis=1).max(), np.abs(position).max())
    if furthest > MAX_REACH:
        raise InputError(
            f"camera: every voxel must lie within {MAX_REACH} voxel edges of the camera, one is {furthest:.0f} away"
        )
