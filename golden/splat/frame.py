"""One view of a scene image: camera constants, groups, and the voxels each group visits.

All that the host computes for a frame. The voxel order is by the nearest corner of the box around
each voxel's Gaussians; the hardware's own ordering unit (StreamingGS's VSU) would replace `voxel_lists`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from golden.formats import encode
from golden.scenes.camera import Camera
from golden.splat.camera_limits import check_intrinsics, check_reach, guard_band, near_code
from golden.splat.scene_image import SceneImage, radius_value
from golden.splat.slabs import cut_crowded
from golden.splat.spec import CAMERA_FRACTION, SIDE_MARGIN, SLACK_BITS, STRETCH_FRACTION, Spec

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
    principal: tuple[float, float]  #: where the rounded rotation sees what lies at (cx, cy), pixels
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
        principal=_principal(camera, rotation, spec),
        near=near_code(near, image.grid.edge, spec),
        stretch_x=math.ceil(stretch[0] * (1 << STRETCH_FRACTION)),
        stretch_y=math.ceil(stretch[1] * (1 << STRETCH_FRACTION)),
        groups=(),
    )
    nearest = int(near_bounds(image, frame, spec).min())
    frame = Frame(**{**vars(frame), "near": max(frame.near, nearest - 1)})
    whole = voxel_lists(image, frame, spec)
    return replace(frame, groups=cut_crowded(whole, image, frame, spec, far_bounds(image, frame, spec)))


def _principal(camera: Camera, rotation: Ints, spec: Spec) -> tuple[float, float]:
    """The principal point that puts what the image shows in its middle there by the rounded rotation, too.

    Rounding turns the camera by up to 2**-16 rad, which a long lens shows: at a focal length of 20,000
    pixels by a third of one. The turn is the same for all that lies within a narrow field of view.
    """
    focal, size = np.array([camera.fx, camera.fy]), np.array([camera.width, camera.height])
    middle = (size / 2 - [camera.cx, camera.cy]) / focal
    x, y, z = (rotation * spec.rotation_format.step) @ camera.world_to_camera[:3, :3].T @ [*middle, 1]
    cx, cy = size / 2 - focal * np.array([x, y]) / z
    return float(cx), float(cy)


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


def voxel_origins(image: SceneImage, frame: Frame, spec: Spec) -> tuple[Ints, Ints]:
    """Every voxel's corner relative to the camera, [V, 3] along world axes and in camera space."""
    relative = (image.grid.index << CAMERA_FRACTION) - frame.position
    return relative, (relative @ frame.rotation.T) >> spec.rotation_format.fraction


def near_bounds(image: SceneImage, frame: Frame, spec: Spec) -> Ints:
    """A depth below which no Gaussian of the voxel lies, [V], camera_format.

    The nearest corner of the box around the voxel's positions, in the coarse filter's own
    arithmetic. Its roundings are monotone, so the bound is exact, not merely safe.
    """
    return _corner_depths(image, frame, spec, np.minimum)


def far_bounds(image: SceneImage, frame: Frame, spec: Spec) -> Ints:
    """A depth beyond which no Gaussian of the voxel lies, [V], camera_format; the furthest corner likewise."""
    return _corner_depths(image, frame, spec, np.maximum)


def _corner_depths(image: SceneImage, frame: Frame, spec: Spec, choose: np.ufunc) -> Ints:
    """Of the box around each voxel's positions, the corner that `choose` takes."""
    first = image.grid.first
    offset = image.offset << (CAMERA_FRACTION - spec.position_bits)
    low, high = np.minimum.reduceat(offset, first, axis=0), np.maximum.reduceat(offset, first, axis=0)
    corner = choose(low * frame.rotation[2], high * frame.rotation[2]).sum(axis=1)
    return voxel_origins(image, frame, spec)[1][:, 2] + (corner >> spec.rotation_format.fraction)


def voxel_lists(image: SceneImage, frame: Frame, spec: Spec) -> tuple[Group, ...]:
    """For each group, row by row, the voxels that can reach it, sorted by `near_bounds`; of any depth.

    A voxel is visited if and only if the box around the supports of its Gaussians (bounding radius
    times the Jacobian's stretch) reaches inside the group's four planes, widened by the low-pass margin.
    """
    camera, size, subtile = frame.camera, spec.group_size, spec.subtile
    low, high = _inflated_boxes(image, max(frame.stretch_x, frame.stretch_y) / 128)
    # By the rounded rotation, as the engine.
    matrix, (cx, cy) = frame.rotation * spec.rotation_format.step, frame.principal
    middle = (((low + high) / 2 - frame.position * 2.0**-CAMERA_FRACTION) @ matrix.T) * image.grid.edge
    half = (high - low) / 2 * image.grid.edge
    bounds = near_bounds(image, frame, spec)
    order = np.argsort(bounds, kind="stable")
    in_front = middle[:, 2] + half @ np.abs(matrix[2]) > 0

    def reaches(plane: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Boxes with a point, in camera space, for which plane · point is at most the slack."""
        slack = 2.0 ** (1 - SLACK_BITS) * image.grid.edge
        return middle @ plane - half @ np.abs(plane @ matrix) <= slack

    groups: list[Group] = []
    for y in range(0, camera.height, size):
        for x in range(0, camera.width, size):
            left, right = _slopes(x, size, cx, camera.fx, spec)
            top, bottom = _slopes(y, size, cy, camera.fy, spec)
            step = spec.slope_format.step
            visited = in_front & reaches(np.array([1, 0, -right * step])) & reaches(np.array([-1, 0, left * step]))
            visited &= reaches(np.array([0, 1, -bottom * step])) & reaches(np.array([0, -1, top * step]))
            groups.append(
                Group(
                    corner_x=x,
                    corner_y=y,
                    valid_columns=min(size, camera.width - x + subtile - 1) // subtile,
                    valid_rows=min(size, camera.height - y + subtile - 1) // subtile,
                    centre_x=encode(cx - x, spec.mean_format, overflow="saturate"),
                    centre_y=encode(cy - y, spec.mean_format, overflow="saturate"),
                    slopes=(left, right, top, bottom),
                    voxels=order[visited[order]],
                    depths=bounds[order[visited[order]]],
                    low=spec.camera_format.low,
                    high=spec.camera_format.high,
                    continued=False,
                )
            )
    return tuple(groups)


def _inflated_boxes(image: SceneImage, stretch: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Per voxel, the box around its Gaussians' bounding spheres, in voxel edges from the grid's origin."""
    reach = (radius_value(image.radius) * stretch)[:, None]
    first = image.grid.first
    low = np.minimum.reduceat(image.grid.position - reach, first, axis=0)
    return low, np.maximum.reduceat(image.grid.position + reach, first, axis=0)


def _slopes(corner: int, size: int, centre: float, focal: float, spec: Spec) -> tuple[int, int]:
    """Tangents of a group's two sides along one axis, widened and rounded outwards."""
    scale = 2.0**spec.slope_format.fraction
    low = math.floor((corner - SIDE_MARGIN - centre) / focal * scale)
    high = math.ceil((corner + size + SIDE_MARGIN - centre) / focal * scale)
    fmt = spec.slope_format
    return max(low, fmt.low), min(high, fmt.high)
