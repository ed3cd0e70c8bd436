"""One view of a scene image: camera constants, groups, and the voxels each group visits.

The camera's words are the host's work; groups and lists are what `vsu` makes of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from golden.formats import encode, saturate
from golden.scenes.camera import Camera
from golden.splat.camera_limits import check_intrinsics, check_reach, guard_band, near_code
from golden.splat.scene_image import SceneImage
from golden.splat.spec import CAMERA_FRACTION, STRETCH_FRACTION, Spec
from golden.splat.vsu import near_bounds, reciprocal, side_slopes, voxel_lists

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Group:
    """A square of pixels and its visiting list, or a depth slab of one.

    A square that would overflow the depth sort stands several times in the table, near to far, each
    time with the range of depths that it draws.
    """

    corner_x: int  # pixels
    corner_y: int
    valid_columns: int  #: sub-tiles that lie, at least in part, on the image
    valid_rows: int
    centre_x: int  #: principal point relative to the corner, mean_format
    centre_y: int
    slopes: tuple[int, int, int, int]  #: left, right, top, bottom side, slope_format, widened
    voxels: Ints  # voxel numbers, nearest first
    depths: Ints  # their near bounds, camera_format
    low: int  #: camera_format; only Gaussians from this depth on …
    high: int  #: … and nearer than this one
    continued: bool  #: the next entry draws on the same pixels, which are not written yet


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The integers that a frame's header and group table hold."""

    camera: Camera
    rotation: Ints  # [3, 3] world to camera, rotation_format
    quaternion: tuple[int, int, int, int]  #: the same rotation, rotation_format
    position: Ints  # [3] the camera in voxel edges, camera_format
    focal_x: int  #: normalised by focal_exponent to mantissa_bits
    focal_y: int
    focal_exponent: int  #: fx = focal_x · 2**(focal_exponent - mantissa_bits + 1)
    limits: tuple[int, int, int, int]  #: left, right, top, bottom end of the guard band, rotation_format
    reciprocal: tuple[tuple[int, int], tuple[int, int]]  #: of focal length x and y, code and exponent
    principal: tuple[int, int]  #: where the rounded rotation sees what lies at (cx, cy), mean_format
    columns: int  #: of groups
    rows: int
    near_plane: int  #: that the view asks for, camera_format
    near: int  #: no Gaussian that is drawn lies at it or nearer, camera_format; depths are sorted from here on
    stretch_x: int  #: bound of the Jacobian row's norm over f/z anywhere in the guard band, u1.7
    stretch_y: int
    groups: tuple[Group, ...]


def build_frame(image: SceneImage, camera: Camera, spec: Spec, *, near: float = 0.2) -> Frame:
    """Quantises the camera for `image` and lists each group's voxels.

    Raises:
        InputError: a field of view wider than 2·atan(1.3), a focal length or principal point out of
            range, a voxel further than `MAX_REACH` edges from the camera (`view.see` brings it
            nearer), or a near plane that is not positive or does not fit.
    """
    check_intrinsics(camera, spec)
    position = (camera.position - image.grid.origin) / image.grid.edge
    check_reach(position, image.grid.index)
    rotation = np.rint(camera.world_to_camera[:3, :3] * 2.0**spec.rotation_format.fraction).astype(np.int64)
    focal_exponent = math.floor(math.log2(max(camera.fx, camera.fy)))
    focal = [
        min(round(f * 2.0 ** (spec.mantissa_bits - 1 - focal_exponent)), (1 << spec.mantissa_bits) - 1)
        for f in (camera.fx, camera.fy)
    ]
    band = guard_band(camera)
    stretch = [math.sqrt(1 + max(abs(end) for end in ends) ** 2) for ends in band]
    left, right, top, bottom = (encode(end, spec.rotation_format, overflow="saturate") for ends in band for end in ends)
    frame = Frame(
        camera=camera,
        rotation=rotation,
        quaternion=_quaternion_codes(camera.world_to_camera[:3, :3], spec),
        position=np.rint(position * (1 << CAMERA_FRACTION)).astype(np.int64),
        focal_x=focal[0],
        focal_y=focal[1],
        focal_exponent=focal_exponent,
        limits=(left, right, top, bottom),
        reciprocal=(reciprocal(camera.fx), reciprocal(camera.fy)),
        principal=_principal(camera, rotation, spec),
        columns=-(-camera.width // spec.group_size),
        rows=-(-camera.height // spec.group_size),
        near_plane=near_code(near, image.grid.edge, spec),
        near=0,
        stretch_x=math.ceil(stretch[0] * (1 << STRETCH_FRACTION)),
        stretch_y=math.ceil(stretch[1] * (1 << STRETCH_FRACTION)),
        groups=(),
    )
    nearest = int(near_bounds(image, frame, spec).min())
    frame = replace(frame, near=max(frame.near_plane, nearest - 1))
    return replace(frame, groups=_groups(image, frame, spec))


def _principal(camera: Camera, rotation: Ints, spec: Spec) -> tuple[int, int]:
    """The principal point that puts what the image shows in its middle there by the rounded rotation, too.

    Rounding turns the camera by up to 2**-16 rad, which a long lens shows: at a focal length of 20,000
    pixels by a third of one. The turn is the same for all that lies within a narrow field of view.
    """
    focal, size = np.array([camera.fx, camera.fy]), np.array([camera.width, camera.height])
    middle = (size / 2 - [camera.cx, camera.cy]) / focal
    x, y, z = (rotation * spec.rotation_format.step) @ camera.world_to_camera[:3, :3].T @ [*middle, 1]
    cx, cy = (encode(float(c), spec.mean_format, overflow="saturate") for c in size / 2 - focal * np.array([x, y]) / z)
    return cx, cy


def _quaternion_codes(rotation: npt.NDArray[np.float64], spec: Spec) -> tuple[int, int, int, int]:
    """The unit quaternion (w, x, y, z) of a rotation matrix, rotation_format."""
    # The eigenvector of the largest eigenvalue of Bar-Itzhack's symmetric 4×4 is the quaternion.
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = rotation
    k = np.array(
        [
            [xx + yy + zz, 0, 0, 0],
            [zy - yz, xx - yy - zz, 0, 0],
            [xz - zx, yx + xy, yy - xx - zz, 0],
            [yx - xy, zx + xz, zy + yz, zz - xx - yy],
        ]
    )
    q = np.linalg.eigh(k)[1][:, -1]
    w, x, y, z = (encode(float(c), spec.rotation_format) for c in q * (1.0 if q[0] >= 0 else -1.0))
    return w, x, y, z


def _groups(image: SceneImage, frame: Frame, spec: Spec) -> tuple[Group, ...]:
    """The squares of pixels, row by row, each with its visiting list."""
    camera, size, subtile = frame.camera, spec.group_size, spec.subtile
    bounds = near_bounds(image, frame, spec)
    columns, rows = (side_slopes(frame, axis, spec).tolist() for axis in range(2))
    lists = iter(voxel_lists(image, frame, spec))
    groups: list[Group] = []
    for y, (top, bottom) in zip(range(0, camera.height, size), rows, strict=True):
        for x, (left, right) in zip(range(0, camera.width, size), columns, strict=True):
            voxels = next(lists)
            groups.append(
                Group(
                    corner_x=x,
                    corner_y=y,
                    valid_columns=min(size, camera.width - x + subtile - 1) // subtile,
                    valid_rows=min(size, camera.height - y + subtile - 1) // subtile,
                    centre_x=saturate(frame.principal[0] - (x << spec.screen_fraction), spec.mean_format),
                    centre_y=saturate(frame.principal[1] - (y << spec.screen_fraction), spec.mean_format),
                    slopes=(left, right, top, bottom),
                    voxels=voxels,
                    depths=bounds[voxels],
                    low=spec.camera_format.low,
                    high=spec.camera_format.high,
                    continued=False,
                )
            )
    return tuple(groups)
