"""The coarse filter and the visiting lists lose nothing that the fine filter would keep."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from golden.scenes import Camera, Scene
from golden.splat.coarse_filter import coarse_filter, radius_times_stretch, reach, stretch
from golden.splat.fine_filter import fine_filter
from golden.splat.scene_image import radius_value
from golden.splat.spec import CAMERA_FRACTION, DEFAULT, LOW_PASS, SIDE_MARGIN, SLACK, SLACK_BITS, TINY, Spec
from tests.golden.splat.scenes import camera_at, random_scene, scene_of
from tests.golden.splat.views import View, made, view


def longest_rows(seed: int, camera: Camera) -> Scene:
    """Needles along the direction that the Jacobian stretches most: the coarse test has nothing to spare."""
    rng = np.random.default_rng(seed)
    count = 8000
    edge = np.array([camera.width / 2 / camera.fx, camera.height / 2 / camera.fy])
    tangent = rng.uniform(-1.6, 1.6, (count, 2)) * edge
    depth = rng.uniform(0.3, 2, count)
    axis = rng.integers(0, 2, count)
    clamped = np.clip(tangent, -1.3 * edge, 1.3 * edge)[np.arange(count), axis]
    along = np.zeros((count, 3))
    along[np.arange(count), axis] = 1
    along[:, 2] = -clamped
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    length = depth * np.exp(rng.uniform(-5, -0.5, count))
    return scene_of(
        np.concatenate([tangent * depth[:, None], depth[:, None]], axis=1) + camera.position,
        length[:, None] * [1, 0.01, 0.01],
        rng.uniform(0.02, 1, count),
        quaternions=np.concatenate([1 + along[:, :1], np.cross([1.0, 0, 0], along)], axis=1),  # turns x that way
    )


def lost(v: View) -> tuple[int, int]:
    """How many (Gaussian, group) pairs the fine filter keeps of the whole scene, and how many of the streamed."""
    expected = got = 0
    for group in v.frame.groups:
        whole = fine_filter(v.everything(group), v.image, v.frame, group, v.spec)
        streamed = v.splats(group)
        missing = np.setdiff1d(whole.place.numpy(), streamed.place.numpy())
        assert len(missing) == 0, f"group at {group.corner_x}, {group.corner_y} misses Gaussians {missing[:5]}"
        expected, got = expected + len(whole), got + len(streamed)
    return expected, got


@pytest.mark.parametrize("name", ["embedded", "tiny", "narrow lens", "wide lens", "widest lens"])
def test_nothing_is_lost(name: str, seed: int) -> None:
    """The fine filter on every Gaussian keeps just what voxel lists, coarse filter and fine filter keep."""
    inside = (0.1, 0.05, -0.3)
    v = {
        "embedded": lambda: view(DEFAULT),
        "tiny": lambda: view(TINY, size=64),
        "narrow lens": lambda: made(random_scene(seed, 6000), camera_at((0, 0, -9), focal=400), DEFAULT),
        "wide lens": lambda: made(random_scene(seed, 6000), camera_at(inside, size=(120, 96), focal=64), DEFAULT),
        "widest lens": lambda: made(random_scene(seed, 6000), camera_at(inside, size=(120, 96), focal=47), DEFAULT),
    }[name]()
    expected, got = lost(v)
    assert expected == got > 1000


@pytest.mark.parametrize("focal", [46.5, 110, 300])
def test_nothing_is_lost_where_there_is_nothing_to_spare(focal: float, seed: int) -> None:
    camera = camera_at((0, 0, 0), size=(120, 96), focal=focal)
    expected, got = lost(made(longest_rows(seed, camera), camera, DEFAULT))
    assert expected == got > 1000


@pytest.mark.parametrize("name", ["lastchance", "flowers_3_0", "statue_angel", "skull"])
def test_nothing_of_real_scenes_is_lost(real_data: Path, name: str) -> None:
    expected, got = lost(view(DEFAULT, source=real_data / "scenes" / f"{name}.ply", size=256))
    assert expected == got > 10_000


def test_it_filters() -> None:
    """Conservative is not enough: of the Gaussians that pass, most reach the group."""
    v = view(DEFAULT)
    streamed = sum(len(v.streamed(group)) for group in v.frame.groups)
    candidates = sum(len(v.candidates(group)) for group in v.frame.groups)
    splats = sum(len(v.splats(group)) for group in v.frame.groups)
    assert candidates < 0.8 * streamed
    assert splats > 0.88 * candidates


def test_near_plane() -> None:
    """Strictly behind the plane: a centre on it is left out."""
    v = view(DEFAULT)
    streamed = v.streamed(v.middle)
    depth = int(streamed.point[:, 2].median())
    frame = type(v.frame)(**{**vars(v.frame), "near": depth})
    kept = coarse_filter(streamed, v.image, frame, v.middle, v.spec)
    assert bool(kept.any())
    assert int(streamed.point[kept][:, 2].min()) > depth


def test_radius_times_stretch(seed: int) -> None:
    """At most one step above the exact product."""
    rng = np.random.default_rng(seed)
    code = torch.from_numpy(np.concatenate([np.arange(0, 1 << 11, 7), [0, 63, 64, (1 << 11) - 1]]))
    for stretched in [128, 255, *rng.integers(128, 256, 5)]:
        got = radius_times_stretch(code, torch.full_like(code, int(stretched))).double().numpy() - SLACK
        exact = radius_value(code.numpy()) * stretched / 128 * 2**CAMERA_FRACTION
        assert (got >= exact).all()
        assert (got <= exact + 1).all()


@pytest.mark.parametrize("widest", [129, 138, 150, 255])
def test_stretch(widest: int, seed: int) -> None:
    """A bound of sqrt(1 + tan²), no more than the frame's; by 9.3 % at most up to a tangent of 1/2, 3.2 % up to 1/4."""
    rng = np.random.default_rng(seed)
    depth = torch.from_numpy(np.exp(rng.uniform(0, 21, 20_000)).astype(np.int64)) + 1
    tangent = torch.from_numpy(rng.uniform(-1.7, 1.7, 20_000))
    tangent[::4] = tangent[::4].sign() * 0.25
    tangent[1::4] = tangent[1::4].sign() * 0.5
    position = (depth * tangent).long() + torch.from_numpy(rng.integers(-1, 2, 20_000))
    got = stretch(position, depth, widest).double() / 128
    exact = (1 + (position.double() / depth) ** 2).sqrt().clip(max=widest / 128)
    assert bool((got >= exact).all())
    assert bool((got <= widest / 128).all())
    near = (position.abs() < 0.49 * depth) & (depth > 1 << 15)
    assert bool((got <= 1.093 * exact)[near].all())
    assert bool((got <= 1.032 * exact)[near & (position.abs() < 0.24 * depth)].all())


@pytest.mark.parametrize(
    "spec", [DEFAULT, TINY, replace(DEFAULT, group_size=128, subtile=8)], ids=["default", "tiny", "large"]
)
def test_reach(spec: Spec, seed: int) -> None:
    """sqrt(a² + b²) - b of radius and low-pass filter from above, by less than half the radius or half of b."""
    rng = np.random.default_rng(seed)
    span = torch.from_numpy(np.exp(rng.uniform(6, 24, 20_000)).astype(np.int64))
    b = LOW_PASS / (spec.group_size + 2 * SIDE_MARGIN) * span.double()
    radius = (b * torch.from_numpy(np.exp(rng.uniform(-4, 4, 20_000)))).long() + 1
    exact = (radius.double() ** 2 + b**2).sqrt() - b
    got = reach(radius + SLACK, span, spec).double() - SLACK
    assert bool((got >= exact).all())
    assert bool((got <= torch.maximum(radius.double() / 2, exact + 0.45 * b) + 2).all())
    assert bool((got < radius)[(radius > 1000) & (span > 100_000)].all())


def test_the_slack_covers_the_cut_depth() -> None:
    """Depth and slopes lose less than the slack at any field of view that is allowed."""
    cut = 2.0**-8 * math.sqrt(1 + 1.3**2)
    assert cut < 2.0**-SLACK_BITS
