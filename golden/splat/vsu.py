"""The voxel sorting unit to the last bit: from the camera's words and the scene's voxel table to visiting lists.

StreamingGS's VSU walks rays; this one tests each voxel's box against the sides of the columns and
rows of groups, and orders by the near bound, which keeps the picture exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from golden.formats import saturate
from golden.splat.scene_image import SceneImage
from golden.splat.spec import (
    CAMERA_FRACTION,
    LIST_SLACK,
    NORMAL_FRACTION,
    RECIPROCAL_BITS,
    STRETCH_FRACTION,
    Spec,
)

if TYPE_CHECKING:  # the frame is made of these lists
    from golden.splat.frame import Frame

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Sides:
    """The two sides of every column (or row) of groups, widened by the low-pass margin and rounded outwards."""

    slopes: Ints  # [N, 2] tangents of the low and the high side, slope_format
    normals: Ints  # [N, 2, 3] magnitudes of the planes' normals along world axes, u3.14, rounded up


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Of each voxel, the columns and rows of groups that it may reach. None are reached if `seen` is 0."""

    seen: Flags  # [V]
    first: Ints  # [V, 2] first column, first row
    last: Ints  # [V, 2] last column, last row


def reciprocal(focal: float) -> tuple[int, int]:
    """1/focal as (code, exponent) with 1/focal = code · 2**-(RECIPROCAL_BITS + exponent), within half a code.

    A camera word: the host divides once a view, so that the hardware never does. 2**(RECIPROCAL_BITS - 1) <=
    code <= 2**RECIPROCAL_BITS for focal lengths from 1 pixel on.
    """
    exponent = int(np.frexp(focal)[1]) - 1
    return round(2.0 ** (RECIPROCAL_BITS + exponent) / focal), exponent


def side_slopes(frame: Frame, axis: int, spec: Spec, wider: int = 0) -> Ints:
    """Tangents of the sides of every column (axis 0) or row (axis 1), [N, 2] slope_format, `wider` pixels further out.

    low = floor((edge - margin - centre) / focal), high = ceil((edge + size + margin - centre) / focal), each
    half a step further out, by which the reciprocal may be wrong.
    """
    count = frame.columns if axis == 0 else frame.rows
    code, exponent = frame.reciprocal[axis]
    edge = np.arange(count) * spec.group_size << spec.screen_fraction
    margin = spec.screen_margin + (wider << spec.screen_fraction)
    low = edge - margin - frame.principal[axis]
    high = edge + (spec.group_size << spec.screen_fraction) + margin - frame.principal[axis]
    shift = RECIPROCAL_BITS + exponent + spec.screen_fraction - spec.slope_format.fraction
    slopes = np.stack([outwards(low * code, shift), -outwards(-high * code, shift)], axis=1)
    return saturate(slopes, spec.slope_format)


def outwards(product: Ints, shift: int) -> Ints:
    """floor(product / 2**shift - ½)."""
    return (product - (1 << (shift - 1))) >> shift


def sides(frame: Frame, axis: int, spec: Spec, wider: int = 0) -> Sides:
    """The planes a - slope·z = 0 (a: x or y) of all columns or rows in world axes: row_a - slope·row_z."""
    slopes = side_slopes(frame, axis, spec, wider)
    fraction = spec.slope_format.fraction
    normal = (frame.rotation[axis] << fraction) - slopes[:, :, None] * frame.rotation[2]
    return Sides(slopes=slopes, normals=_magnitude(normal, spec))


def _magnitude(normal: Ints, spec: Spec) -> Ints:
    drop = spec.rotation_format.fraction + spec.slope_format.fraction - NORMAL_FRACTION
    return (np.abs(normal) + (1 << drop) - 1) >> drop


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
    corner = choose(image.boxes.low * frame.rotation[2], image.boxes.high * frame.rotation[2]).sum(axis=1)
    return voxel_origins(image, frame, spec)[1][:, 2] + (corner >> spec.rotation_format.fraction)


def middles(image: SceneImage, frame: Frame, spec: Spec) -> Ints:
    """The middle of every voxel's box in camera space, [V, 3] camera_format."""
    relative, _ = voxel_origins(image, frame, spec)
    return (relative + image.boxes.middle) @ frame.rotation.T >> spec.rotation_format.fraction


def stretched(image: SceneImage, frame: Frame) -> Ints:
    """The half extents for the view's stretch, [V, 3], u16 · 2**exponent, rounded up."""
    small, large = image.boxes.half[:, 0], image.boxes.half[:, 1]
    part = max(frame.stretch_x, frame.stretch_y) - (1 << STRETCH_FRACTION)
    return small + ((part * (large - small) + (1 << STRETCH_FRACTION) - 1) >> STRETCH_FRACTION)


def extents(normal: Ints, half: Ints, exponent: Ints) -> Ints:
    """How far boxes reach from their middle along a normal, [V] camera_format: Σ normal·half, rounded up, and slack."""
    return ((half @ normal << exponent) >> NORMAL_FRACTION) + 1 + LIST_SLACK


def reach(image: SceneImage, frame: Frame, spec: Spec, wider: int = 0) -> Reach:
    """Tests every voxel's box against the camera's plane and the sides of all columns and rows, `wider` pixels out.

    A column is passed if the box, with slack, reaches to its sides; `first` to `last` holds all of them.
    """
    middle, half, exponent = middles(image, frame, spec), stretched(image, frame), image.boxes.exponent
    front = _magnitude(frame.rotation[2] << spec.slope_format.fraction, spec)
    seen = -middle[:, 2] <= extents(front, half, exponent)
    first, last = [], []
    for axis in range(2):
        groups = sides(frame, axis, spec, wider)
        passed = np.stack(
            [
                (_beside(middle, axis, low, spec) >= -extents(normals[0], half, exponent))
                & (_beside(middle, axis, high, spec) <= extents(normals[1], half, exponent))
                for (low, high), normals in zip(groups.slopes, groups.normals, strict=True)
            ]
        )
        seen &= passed.any(axis=0)
        first.append(passed.argmax(axis=0))
        last.append(len(passed) - 1 - passed[::-1].argmax(axis=0))
    return Reach(seen=seen, first=np.stack(first, axis=1), last=np.stack(last, axis=1))


def _beside(middle: Ints, axis: int, slope: int, spec: Spec) -> Ints:
    """a - slope·z of every middle, camera_format: below 0 to the left of the plane, or above it."""
    return middle[:, axis] - (middle[:, 2] * slope >> spec.slope_format.fraction)


def voxel_order(seen: Flags, bounds: Ints, capacity: int | None = None) -> tuple[Ints, int]:
    """The voxels that some group may visit, nearest first, equal bounds by their numbers; and how many were left out.

    A unit that orders at most `capacity` voxels takes those of the lowest numbers.
    """
    number = np.flatnonzero(seen)
    kept = number[:capacity]
    return kept[np.argsort(bounds[kept], kind="stable")], len(number) - len(kept)


def voxel_lists(
    image: SceneImage, frame: Frame, spec: Spec, capacity: int | None = None, wider: int = 0
) -> list[Ints]:  # fmt: skip
    """For each group, row by row, the voxels that can reach it or `wider` pixels around, nearest first."""
    found = reach(image, frame, spec, wider)
    order, _ = voxel_order(found.seen, near_bounds(image, frame, spec), capacity)
    (first_x, first_y), (last_x, last_y) = found.first[order].T, found.last[order].T
    lists: list[Ints] = []
    for row in range(frame.rows):
        here = (first_y <= row) & (row <= last_y)
        lists += [order[here & (first_x <= column) & (column <= last_x)] for column in range(frame.columns)]
    return lists
