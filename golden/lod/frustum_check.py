"""Is a node's box in the picture? In integers: what hw/lod/frustum_check.py computes."""

from __future__ import annotations

import torch

from golden.integers import bit_length
from golden.lod.spec import DISTANCE_BITS, MANTISSA, PLANE_GUARD


def outside(planes: torch.Tensor, low: torch.Tensor, high: torch.Tensor, camera: torch.Tensor) -> torch.Tensor:
    """Boxes that lie behind one of the planes through the camera, bool [n].

    The box's corner that is farthest along a normal n, seen from the camera, is behind the plane if
    n·corner < -PLANE_GUARD. Coordinates of more than 17 bits are shifted down to 17, all by the same
    amount. The guard covers what that takes off n·corner, at most 3 · 2047, and the camera's rounding to
    cells, at most 1.5 · 2047.

    Args:
        planes: [4, 3] as `quantise_planes` gives them. low, high: [n, 3] cells; camera: [3], from the same origin.
    """
    sides = torch.stack([low - camera, high - camera])
    magnitude = sides ^ (sides >> 63)
    longest = torch.zeros_like(low[:, 0])
    for axis in range(3):
        longest |= magnitude[0, :, axis] | magnitude[1, :, axis]
    shift = (bit_length(longest) - MANTISSA).clamp(min=0, max=DISTANCE_BITS - MANTISSA)
    near = sides >> shift[:, None]
    behind = torch.zeros(len(low), dtype=torch.bool)
    for plane in planes:
        corner = torch.where(plane < 0, near[0], near[1])
        behind |= (corner * plane).sum(dim=1) < -PLANE_GUARD
    return behind
