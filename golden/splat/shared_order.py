"""Lumina's sorting sharing (S²): one frame's lists and order of Gaussians drawn again from the poses that follow.

A frame whose pose is predicted for the middle of a window of frames filters and sorts; each square keeps the places of
what lies within a margin of pixels around it, nearest first. The frames of the window project, colour and blend what is
in the lists, with their true poses, in the lists' order: they visit no voxels and do not sort. Of what the lists hold,
records are read of what passes the coarse test at the true pose, which rejects nothing that would be seen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from golden.formats import saturate
from golden.splat.coarse_filter import Candidates, coarse_filter, voxel_fetch
from golden.splat.depth_key import sort_key
from golden.splat.fine_filter import fine_filter
from golden.splat.frame import Frame, Group
from golden.splat.memory_map import ORDERED_DROP
from golden.splat.model import ModelResult, Work, untile
from golden.splat.pixel_lane import pixel_bytes
from golden.splat.rasteriser import rasterise
from golden.splat.scene_image import SceneImage
from golden.splat.slabs import whole_square
from golden.splat.spec import Spec
from golden.splat.vsu import near_bounds, voxel_lists
from golden.threads import undivided_operators


@dataclass(frozen=True, kw_only=True)
class SharedOrder:
    """Of every square, row by row, the places of Gaussians in a scene image, in drawing order."""

    places: list[Tensor]

    @property
    def entries(self) -> int:
        """In all lists."""
        return sum(map(len, self.places))


@undivided_operators()
def sort_squares(image: SceneImage, frame: Frame, spec: Spec, margin: int) -> SharedOrder:
    """The lists of the predicted view `frame`: what passes the coarse filter of a square widened by `margin` pixels.

    In order of sort keys, equal keys in the order of the file. Voxel lists and depth slabs do not matter: every
    Gaussian of the scene is tested, as any list that holds all that may pass would have it.
    """
    everything = replace(whole_square(frame.groups[0], spec), voxels=np.arange(len(image.grid.count)))
    streamed, _ = voxel_fetch(image, frame, everything, spec)
    rank = torch.from_numpy(image.grid.order)[streamed.place]
    key = sort_key(streamed.point[:, 2], frame, spec)
    by_rank = torch.argsort(rank, stable=True)
    order = by_rank[torch.argsort(key[by_rank], stable=True)]
    streamed = streamed.select(order)
    places: list[Tensor] = []
    for group in frame.groups:
        if not group.continued:
            widened = widen(whole_square(group, spec), frame, spec, margin)
            places.append(streamed.place[coarse_filter(streamed, image, frame, widened, spec)])
    return SharedOrder(places=places)


def sort_frame(image: SceneImage, frame: Frame, spec: Spec, margin: int) -> Frame:
    """The predicted view as the engine sorts it: squares widened by `margin`, with all voxels that they need.

    What `sort_squares` finds is what their groups' coarse filter passes, in the depth sort's order.
    """
    lists, bounds = voxel_lists(image, frame, spec, wider=margin + 1), near_bounds(image, frame, spec)
    squares = (widen(whole_square(g, spec), frame, spec, margin) for g in frame.groups if not g.continued)
    groups = tuple(replace(g, voxels=v, depths=bounds[v]) for g, v in zip(squares, lists, strict=True))
    return replace(frame, groups=groups)


def widen(group: Group, frame: Frame, spec: Spec, margin: int) -> Group:
    """The square with its four planes `margin` pixels further out, in tangents of the slopes' format, rounded up."""
    step = spec.slope_format.step
    across, down = (-(-margin // (f * step)) for f in (frame.camera.fx, frame.camera.fy))
    left, right, top, bottom = group.slopes
    moved = (left - across, right + across, top - down, bottom + down)
    low, high, upper, lower = (saturate(int(slope), spec.slope_format) for slope in moved)
    return replace(group, slopes=(low, high, upper, lower))


@undivided_operators()
def render_shared(image: SceneImage, frame: Frame, order: SharedOrder, spec: Spec) -> ModelResult:
    """Draws the frame from the lists of another view of the same image and size.

    A Gaussian at the near plane or nearer is left out. Of `Work`, `streamed` counts the lists' entries, `candidates`
    what passes the coarse test, by radii as the lists hold them; no voxel is visited.
    """
    size = spec.group_size
    canvas = torch.zeros(frame.rows * size, frame.columns * size, 4, dtype=torch.uint8)
    color = torch.zeros(frame.rows * size, frame.columns * size, 3)
    work = Work()
    squares = [whole_square(group, spec) for group in frame.groups if not group.continued]
    points = _points(image, frame, spec)
    rounded = replace(image, radius=image.radius | (1 << ORDERED_DROP) - 1)
    for group, places in zip(squares, order.places, strict=True):
        candidates = points.select(places)
        candidates = candidates.select(coarse_filter(candidates, rounded, frame, group, spec))
        splats = fine_filter(candidates, image, frame, group, spec)
        pixels, touches, useful, changed = rasterise(splats, spec)
        here = (slice(group.corner_y, group.corner_y + size), slice(group.corner_x, group.corner_x + size))
        canvas[here] = untile(pixel_bytes(pixels, spec), spec).byte()
        color[here] = untile(pixels.color, spec).float() * spec.accumulator_format.step
        work.streamed += len(places)
        work.candidates += len(candidates)
        work.splats += len(splats)
        work.touches += touches
        work.useful_touches += useful
        work.changed += changed
    height, width = frame.camera.height, frame.camera.width
    return ModelResult(image=canvas[:height, :width], color=color[:height, :width], work=work)


def _points(image: SceneImage, frame: Frame, spec: Spec) -> Candidates:
    """Every Gaussian of the image in camera space, by its place."""
    everything = replace(whole_square(frame.groups[0], spec), voxels=np.arange(len(image.grid.count)))
    streamed, _ = voxel_fetch(image, frame, everything, spec)
    return streamed.select(torch.argsort(streamed.place))
