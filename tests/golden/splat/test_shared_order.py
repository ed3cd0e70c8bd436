"""Lists and order of one view drawn from another: against the engine that sorts every frame."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
import torch

from golden.scenes import load_scene, orbit_path
from golden.splat.coarse_filter import coarse_filter, voxel_fetch
from golden.splat.depth_key import sort_key
from golden.splat.depth_sort import depth_sort
from golden.splat.fine_filter import fine_filter
from golden.splat.frame import Frame, build_frame
from golden.splat.model import render
from golden.splat.scene_image import SceneImage, build_scene_image
from golden.splat.shared_order import render_shared, sort_frame, sort_squares, widen
from golden.splat.slabs import in_slabs
from golden.splat.spec import TINY, Spec

ROOMY = replace(TINY, sort_levels=12)  # no square of it crowds the depth sort


@lru_cache
def views(spec: Spec = TINY) -> tuple[SceneImage, list[Frame]]:
    """A part of the built-in scene, degrees apart."""
    scene = load_scene("embedded")
    image = build_scene_image(scene.select(np.arange(len(scene)) % 6 == 0), spec)
    angles = [1.0, 1.0 + math.radians(1), 1.0 + math.radians(8)]
    return image, [build_frame(image, camera, spec) for camera in orbit_path(scene, angles, width=40, height=27)]


def error(first: torch.Tensor, second: torch.Tensor) -> float:
    return float((first.double() - second.double()).square().mean())


def test_at_the_pose_that_was_sorted_the_picture_is_the_engines() -> None:
    """To the last bit, and the same splats on the same sub-tiles: the lists lack nothing, whatever the margin."""
    image, (frame, *_) = views()
    plain = render(image, frame, TINY)
    for margin in (0, 5):
        order = sort_squares(image, frame, TINY, margin)
        shared = render_shared(image, frame, order, TINY)
        assert torch.equal(shared.image, plain.image)
        assert torch.equal(shared.color, plain.color)
        for name in ("splats", "touches", "useful_touches", "changed"):
            assert getattr(shared.work, name) == getattr(plain.work, name)
        assert shared.work.streamed == order.entries >= shared.work.candidates >= plain.work.candidates
        assert (order.entries == plain.work.candidates) == (margin == 0)


def test_the_coarse_test_at_the_true_pose_rejects_nothing_that_is_seen() -> None:
    """Of lists with a wide margin it leaves out a part, and the fine filter keeps of the rest what it keeps of all."""
    image, (sorted_view, frame, _) = views(ROOMY)
    order = sort_squares(image, sorted_view, ROOMY, 12)
    work = render_shared(image, frame, order, ROOMY).work
    assert work.candidates < 0.8 * work.streamed
    everything = replace(frame.groups[0], voxels=np.arange(len(image.grid)))
    points, _ = voxel_fetch(image, frame, everything, ROOMY)
    points = points.select(torch.argsort(points.place))
    kept = 0
    for group, places in zip(frame.groups, order.places, strict=True):
        candidates = points.select(places)
        kept += len(fine_filter(candidates.select(candidates.point[:, 2] > frame.near), image, frame, group, ROOMY))
    assert work.splats == kept


def test_depth_slabs_do_not_matter() -> None:
    """Squares that are cut for the depth sort have the same lists as those of one that holds all."""
    image, (whole, *_) = views()
    frame = in_slabs(image, whole, TINY)
    assert any(group.continued for group in frame.groups)
    lists, wanted = sort_squares(image, frame, TINY, 2), sort_squares(image, whole, TINY, 2)
    assert len(lists.places) == len(wanted.places) == 6
    assert all(map(torch.equal, lists.places, wanted.places))


def test_a_margin_brings_what_comes_into_a_square() -> None:
    """Without one, squares lack splats that were beside them; with a wide one they lack none: only the order is old."""
    image, (sorted_view, _, frame) = views()
    plain = render(image, frame, TINY)
    without, with_ = (
        render_shared(image, frame, sort_squares(image, sorted_view, TINY, margin), TINY) for margin in (0, 12)
    )
    assert without.work.touches < with_.work.touches == plain.work.touches
    assert without.work.splats < with_.work.splats == plain.work.splats
    assert 0 < error(with_.image, plain.image) < error(without.image, plain.image)


@pytest.mark.parametrize("margin", [0, 3])
def test_lists_hold_what_a_widened_square_sees_nearest_first(margin: int) -> None:
    """Against the coarse test of each Gaussian in the square's own voxels, and the keys' order."""
    image, (frame, *_) = views(ROOMY)
    order = sort_squares(image, frame, ROOMY, margin)
    for group, places in zip(frame.groups, order.places, strict=True):
        wide = widen(group, frame, ROOMY, margin)
        streamed, _ = voxel_fetch(image, frame, group, TINY)
        seen = streamed.place[coarse_filter(streamed, image, frame, wide, TINY)]
        assert set(seen.tolist()) <= set(places.tolist())
        assert (set(seen.tolist()) == set(places.tolist())) or margin
        tangent = margin / frame.camera.fx / TINY.slope_format.step
        assert all(tangent <= abs(b - a) < tangent + 1 for a, b in zip(group.slopes, wide.slopes, strict=True))
    assert len({len(places) for places in order.places}) > 1


@pytest.mark.parametrize("spec", [TINY, ROOMY], ids=["slabs", "whole"])
def test_the_engine_sorts_to_the_same_lists(spec: Spec) -> None:
    """Voxel by voxel of the widened squares' own lists, through the depth sort, which never overflows."""
    image, (frame, *_) = views(spec)
    order = sort_squares(image, frame, spec, 5)
    wide = sort_frame(image, frame, spec, 5)
    slabs = 0
    for group, places in zip(wide.groups, order.places, strict=True):
        streamed, visit = voxel_fetch(image, wide, group, spec)
        kept = coarse_filter(streamed, image, wide, group, spec)
        place = streamed.place[kept]
        keys, bounds = (sort_key(z, wide, spec) for z in (streamed.point[kept, 2], torch.from_numpy(group.depths)))
        left = depth_sort(keys, torch.from_numpy(image.rank)[place], visit[kept], bounds, spec)
        assert left.forced == 0
        assert torch.equal(place[left.order], places)
        slabs += left.crowded
    assert (slabs > 0) == (spec is TINY)


def test_what_is_too_near_in_the_new_view_is_left_out() -> None:
    """A camera that has gone forward past Gaussians of its lists."""
    image, (sorted_view, frame, _) = views()
    order = sort_squares(image, sorted_view, TINY, 0)
    depth = int(frame.near + (4 << 16))
    nearer = render_shared(image, replace(frame, near=depth), order, TINY)
    assert nearer.work.splats < render_shared(image, frame, order, TINY).work.splats
