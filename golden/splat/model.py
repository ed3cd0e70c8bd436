"""The splatting engine to the last bit: what the RTL must equal, word by word."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from golden.splat.coarse_filter import coarse_filter, voxel_fetch
from golden.splat.depth_key import sort_key
from golden.splat.depth_sort import Sorted, depth_sort, voxel_sort
from golden.splat.fine_filter import Splats, fine_filter
from golden.splat.frame import Frame, Group
from golden.splat.pixel_lane import Pixels, pixel_bytes
from golden.splat.rasteriser import Watch, rasterise
from golden.splat.scene_image import SceneImage
from golden.splat.spec import Spec
from golden.threads import undivided_operators


@dataclass(kw_only=True)
class Work:
    """What each stage had to do, summed over groups: the numerators of the roofline."""

    voxels: int = 0
    streamed: int = 0  #: Gaussians that reached the coarse filter
    candidates: int = 0  #: its survivors
    splats: int = 0  #: the fine filter's survivors
    touches: int = 0  #: (splat, sub-tile) pairs
    useful_touches: int = 0  #: those of them that came before the sub-tile was opaque
    changed: int = 0  #: results of lanes, one a pixel and touch, with a weight above 0
    forced: int = 0  #: survivors that left the depth sort unsafely
    crowded: int = 0  #: times that a group was given up and parted because it crowded the depth sort
    deepest: int = 0  #: most survivors held back at once


@dataclass(frozen=True, kw_only=True)
class GroupResult:
    """Every stage's output for one group, for comparison stage by stage."""

    candidates: Tensor  # places that pass the coarse filter, in order
    splats: Splats  # the fine filter's, in order
    order: Tensor  # the depth sort's, as indices of `splats`
    pixels: Pixels  # shared by the slabs of a square, with all that they drew


@dataclass(frozen=True, kw_only=True)
class ModelResult:
    """A drawn frame, and what it took."""

    image: Tensor  # uint8 [H, W, 4] red, green, blue, coverage
    color: Tensor  # float32 [H, W, 3] before the rounding to bytes
    work: Work
    groups: list[GroupResult] = field(default_factory=list)


def render_group(
    image: SceneImage, frame: Frame, group: Group, spec: Spec, work: Work, pixels: Pixels | None = None,
    *, held_back: bool = True, watch: Watch | None = None,
) -> GroupResult:  # fmt: skip
    """All stages for one group, on the `pixels` of the slab before if there is one; adds to `work`.

    `watch` sees what the rasteriser draws.

    Without `held_back`, survivors wait only for those of their own voxel, and are drawn in the list's order.
    """
    streamed, visit = voxel_fetch(image, frame, group, spec)
    kept = coarse_filter(streamed, image, frame, group, spec)
    candidates, visit = streamed.select(kept), visit[kept]
    arrival = torch.full((len(image),), -1)
    arrival[candidates.place] = visit
    splats = fine_filter(candidates, image, frame, group, spec)
    bounds = sort_key(torch.from_numpy(group.depths), frame, spec)
    visit = arrival[splats.place]
    if held_back:
        drawn = depth_sort(splats.depth, splats.rank, visit, bounds, spec)
    else:
        drawn = Sorted(order=voxel_sort(splats.depth, splats.rank, visit))
    pixels, touches, useful, changed = rasterise(splats.select(drawn.order), spec, pixels, watch)
    work.voxels += len(group.voxels)
    work.streamed += len(streamed)
    work.candidates += len(candidates)
    work.splats += len(splats)
    work.touches += touches
    work.useful_touches += useful
    work.changed += changed
    work.forced += drawn.forced
    work.crowded += drawn.crowded
    work.deepest = max(work.deepest, drawn.deepest)
    return GroupResult(candidates=candidates.place, splats=splats, order=drawn.order, pixels=pixels)


@undivided_operators()
def render(
    image: SceneImage, frame: Frame, spec: Spec, *, keep_groups: bool = False, held_back: bool = True
) -> ModelResult:
    """Draws the frame, group by group."""
    camera, size = frame.camera, spec.group_size
    columns = -(-camera.width // size)
    rows = -(-camera.height // size)
    canvas = torch.zeros(rows * size, columns * size, 4, dtype=torch.uint8)
    color = torch.zeros(rows * size, columns * size, 3)
    work, groups = Work(), []
    pixels = None
    for group in frame.groups:
        result = render_group(image, frame, group, spec, work, pixels, held_back=held_back)
        if keep_groups:
            groups.append(result)
        pixels = result.pixels if group.continued else None
        if group.continued:
            continue
        here = (slice(group.corner_y, group.corner_y + size), slice(group.corner_x, group.corner_x + size))
        canvas[here] = untile(pixel_bytes(result.pixels, spec), spec).byte()
        color[here] = untile(result.pixels.color, spec).float() * spec.accumulator_format.step
    return ModelResult(
        image=canvas[: camera.height, : camera.width],
        color=color[: camera.height, : camera.width],
        work=work,
        groups=groups,
    )


def untile(tiles: Tensor, spec: Spec) -> Tensor:
    """[sub-tiles, lanes, C] to [group_size, group_size, C]."""
    n, s = spec.columns, spec.subtile
    return tiles.reshape(n, n, s, s, -1).permute(0, 2, 1, 3, 4).reshape(n * s, n * s, -1)
