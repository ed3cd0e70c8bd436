"""Coarse filter: centre and bounding radius of every Gaussian of a voxel against the group's frustum."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from golden.splat.frame import Frame, Group
from golden.splat.scene_image import SceneImage
from golden.splat.spec import (
    CAMERA_FRACTION,
    DEPTH_DROP,
    FLAT_SHIFTS,
    LEAN_FRACTION,
    RADIUS_BIAS,
    RADIUS_MANTISSA,
    SLACK,
    STRETCH_FRACTION,
    Spec,
    flat_stretch,
)


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """Gaussians in arrival order, all int64."""

    place: Tensor  # [M] place in the scene image
    point: Tensor  # [M, 3] camera space, camera_format
    relative: Tensor  # [M, 3] from the camera along world axes, camera_format

    def __len__(self) -> int:
        return len(self.place)

    def select(self, kept: Tensor) -> Candidates:
        return Candidates(place=self.place[kept], point=self.point[kept], relative=self.relative[kept])


def voxel_fetch(image: SceneImage, frame: Frame, group: Group, spec: Spec) -> tuple[Candidates, Tensor]:
    """Every Gaussian of the group's voxels in camera space: c = W·(voxel - camera) + W·offset.

    Returns the candidates and, for each, the position of its voxel in the visiting list.
    """
    voxels = torch.from_numpy(group.voxels)
    first, count = torch.from_numpy(image.grid.first)[voxels], torch.from_numpy(image.grid.count)[voxels]
    visit = torch.repeat_interleave(torch.arange(len(voxels)), count)
    place = first[visit] + torch.arange(len(visit)) - (count.cumsum(0) - count)[visit]

    rotation = torch.from_numpy(frame.rotation)
    fraction = spec.rotation_format.fraction
    relative = (torch.from_numpy(image.grid.index)[voxels] << CAMERA_FRACTION) - torch.from_numpy(frame.position)
    origin = matmul(relative, rotation) >> fraction
    offset = torch.from_numpy(image.offset)[place] << (CAMERA_FRACTION - spec.position_bits)
    point = origin[visit] + (matmul(offset, rotation) >> fraction)
    return Candidates(place=place, point=point, relative=relative[visit] + offset), visit


def matmul(vectors: Tensor, matrix: Tensor) -> Tensor:
    """Integer matrix · vector for every row of `vectors` [M, 3]."""
    return (vectors[:, None, :] * matrix).sum(-1)


def stretch(position: Tensor, depth: Tensor, widest: int) -> Tensor:
    """A bound of sqrt(1 + tan²) for tan = position / depth, u1.7: that of 1/4 or of 1/2 if it holds, else the frame's.

    Both are compared without their lowest DEPTH_DROP bits.
    """
    size = ((position ^ (position >> 63)) >> DEPTH_DROP) + 1
    result = torch.full_like(position, widest)
    for shift in FLAT_SHIFTS:
        result = torch.where(size << shift <= depth >> DEPTH_DROP, min(widest, flat_stretch(shift)), result)
    return result


def radius_times_stretch(code: Tensor, stretch: Tensor) -> Tensor:
    """Bounding radius · stretch in voxel edges, camera_format, rounded up, and the slack of the cut depths."""
    product = ((code & ((1 << RADIUS_MANTISSA) - 1)) + (1 << RADIUS_MANTISSA)) * stretch
    shift = (code >> RADIUS_MANTISSA) + CAMERA_FRACTION - RADIUS_BIAS - RADIUS_MANTISSA - STRETCH_FRACTION
    rounded_up = (product >> (-shift).clip(0, 31)) + 1
    return torch.where(shift < 0, rounded_up, product << shift.clip(0, 31)) + SLACK


def reach(radius: Tensor, span: Tensor, spec: Spec) -> Tensor:
    """How far a centre may lie outside a group's plane, camera_format, rounded up; `radius` and result with the slack.

    A support of radius a reaches sqrt(a² + b²) under the low-pass filter, which by itself makes b of a point;
    the planes lie outside by b already. sqrt(a² + b²) - b is at most max(a - 2/3·b, a/2). `span` is the distance of
    the group's two planes at this depth, of which b is a known part.
    """
    lean = radius - (span * spec.lean >> LEAN_FRACTION)
    return torch.maximum(lean, (radius >> 1) + (SLACK // 2 + 1))


def coarse_filter(candidates: Candidates, image: SceneImage, frame: Frame, group: Group, spec: Spec) -> Tensor:
    """True for every Gaussian that may colour the group.

    With slopes l, r, t, b of the group's planes and the `reach` ρ of each Gaussian along x and y:
    z > near, x - r·z <= ρ_x, l·z - x <= ρ_x, y - b·z <= ρ_y, t·z - y <= ρ_y. Conservative:
    never rejects what `fine_filter` keeps. Of a depth slab only low <= z < high.
    """
    x, y, z = candidates.point.unbind(-1)
    code = torch.from_numpy(image.radius)[candidates.place]
    depth = z >> DEPTH_DROP
    drop = spec.slope_format.fraction - DEPTH_DROP
    kept = (z > frame.near) & (z >= group.low) & (z < group.high)
    left, right, top, bottom = ((depth * slope) >> drop for slope in group.slopes)
    for centre, low, high, widest in ((x, left, right, frame.stretch_x), (y, top, bottom, frame.stretch_y)):
        furthest = reach(radius_times_stretch(code, stretch(centre, z, widest)), high - low, spec)
        kept &= (centre - high <= furthest) & (low - centre <= furthest)
    return kept
