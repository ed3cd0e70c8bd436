"""What is kept of every voxel to decide who visits it, whatever the view: two boxes, as codes rounded outwards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from golden.splat.spec import CAMERA_FRACTION, HALF_BITS

Ints = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]

STRETCHES = (1.0, 2.0)  # the views' stretches lie between; the box for one is interpolated
TYPICAL_STRETCH = 1.2  # of a field of view of 54 degrees: the middle is this box's


@dataclass(frozen=True, kw_only=True)
class VoxelBoxes:
    """Of each voxel, in steps of 2**-CAMERA_FRACTION edges from its corner.

    The half extents of the box around its Gaussians' bounding spheres, each widened by the
    Jacobian's stretch k, are convex in k: what lies on the chord between k = 1 and k = 2 is no
    smaller.
    """

    low: Ints  # [V, 3] corner of the box around the Gaussians' centres, u0.16
    high: Ints  # [V, 3] the opposite corner
    middle: Ints  # [V, 3] of the box around their supports, in the voxel, u0.16
    half: Ints  # [V, 2, 3] its half extents for stretches 1 and 2, u16 · 2**exponent, rounded up
    exponent: Ints  # [V]


def voxel_boxes(offset: Ints, position: Doubles, reach: Doubles, first: Ints) -> VoxelBoxes:
    """The boxes of the voxels that begin at places `first`, [V].

    Args:
        offset: [M, 3] the stored positions in their voxels, u0.16, which the hardware computes with.
        position: [M, 3] the positions before rounding, in voxel edges from the same corners.
        reach: [M] bounding radii, in voxel edges.
    """
    ends = [_ends(position, reach * stretch, first) for stretch in STRETCHES]
    one = 1 << CAMERA_FRACTION
    typical = np.mean(_ends(position, reach * TYPICAL_STRETCH, first), axis=0)
    middle = np.floor(typical * one).clip(0, one - 1).astype(np.int64)
    half = np.stack([np.maximum(high * one - middle, middle - low * one) for low, high in ends], axis=1)
    exponent = np.maximum(np.frexp(half.max(axis=(1, 2)))[1] - HALF_BITS, 0)
    # A half extent just below a power of two may round up to it.
    exponent += np.ceil(np.ldexp(half.max(axis=(1, 2)), -exponent)) >= 1 << HALF_BITS
    return VoxelBoxes(
        low=np.minimum.reduceat(offset, first, axis=0),
        high=np.maximum.reduceat(offset, first, axis=0),
        middle=middle,
        half=np.ceil(np.ldexp(half, -exponent[:, None, None])).astype(np.int64),
        exponent=exponent.astype(np.int64),
    )


def _ends(position: Doubles, reach: Doubles, first: Ints) -> tuple[Doubles, Doubles]:
    """Lowest and highest coordinates of each voxel's spheres, [V, 3]."""
    reach = reach[:, None]
    return np.minimum.reduceat(position - reach, first, axis=0), np.maximum.reduceat(position + reach, first, axis=0)
