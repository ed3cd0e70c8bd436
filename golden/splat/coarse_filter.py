"""Coarse filter: centre and bounding radius of every Gaussian of a voxel against the group's frustum."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from golden.splat.frame import Frame, Group
from golden.splat.scene_image import SceneImage
from golden.splat.spec import CAMERA_FRACTION, DEPTH_DROP, RADIUS_BIAS, RADIUS_MANTISSA, SLACK_BITS, Spec


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


def radius_times_stretch(code: Tensor, stretch: int, spec: Spec) -> Tensor:
    """Bounding radius · stretch + slack in voxel edges, camera_format, rounded up."""
    product = ((code & ((1 << RADIUS_MANTISSA) - 1)) + (1 << RADIUS_MANTISSA)) * stretch
    shift = (code >> RADIUS_MANTISSA) + CAMERA_FRACTION - RADIUS_BIAS - RADIUS_MANTISSA - 7
    rounded_up = (product >> (-shift).clip(0, 31)) + 1
    scaled = torch.where(shift < 0, rounded_up, product << shift.clip(0, 31))
    return scaled + (1 << (CAMERA_FRACTION - SLACK_BITS))


def coarse_filter(candidates: Candidates, image: SceneImage, frame: Frame, group: Group, spec: Spec) -> Tensor:
    """True for every Gaussian that may colour the group.

    With slopes l, r, t, b of the group's sides, bounding radius ρ and stretch k = sqrt(1 + tan²):
    z > near, x - r·z <= ρ·k_x, l·z - x <= ρ·k_x, y - b·z <= ρ·k_y, t·z - y <= ρ·k_y. Conservative:
    never rejects what `fine_filter` keeps. Of a depth slab only low <= z < high.
    """
    x, y, z = candidates.point.unbind(-1)
    code = torch.from_numpy(image.radius)[candidates.place]
    left, right, top, bottom = group.slopes
    depth = z >> DEPTH_DROP
    drop = spec.slope_format.fraction - DEPTH_DROP
    reach_x = radius_times_stretch(code, frame.stretch_x, spec)
    reach_y = radius_times_stretch(code, frame.stretch_y, spec)
    kept = (z > frame.near) & (z >= group.low) & (z < group.high)
    kept &= x - ((depth * right) >> drop) <= reach_x
    kept &= ((depth * left) >> drop) - x <= reach_x
    kept &= y - ((depth * bottom) >> drop) <= reach_y
    kept &= ((depth * top) >> drop) - y <= reach_y
    return kept
