"""A frame's lists miss nothing, and its bounds hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from golden.errors import InputError
from golden.scenes import Camera
from golden.scenes.camera import look_at
from golden.splat.camera_limits import check_intrinsics
from golden.splat.coarse_filter import voxel_fetch
from golden.splat.depth_key import depth_key
from golden.splat.ewa import covariance_2d
from golden.splat.frame import build_frame
from golden.splat.projection import projection
from golden.splat.scene_image import build_scene_image
from golden.splat.spec import DEFAULT, MIN_ALPHA, TINY, Spec
from golden.splat.vsu import near_bounds
from tests.golden.splat.scenes import camera_at, random_scene, scene_of
from tests.golden.splat.views import View, made, view


def wide(seed: int) -> View:
    """A camera in the middle of the scene, with the widest lens that is allowed."""
    scene = random_scene(seed, 3000, thinnest=0.005)
    camera = camera_at((0.1, 0.05, -0.3), size=(120, 96), focal=47)
    return made(scene, camera, DEFAULT)


def named(name: str, seed: int) -> View:
    return {"default": lambda: view(DEFAULT), "tiny": lambda: view(TINY), "wide": lambda: wide(seed)}[name]()


def reach_of(v: View) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centre [M, 2] and half-widths [M, 2] in pixels of every Gaussian's support, and whether it may be drawn.

    From the scene itself, not its image: means and covariances in double precision.
    """
    kept = v.scene.select(v.image.grid.order)
    matrix = torch.from_numpy(v.camera.world_to_camera)
    point = torch.from_numpy(kept.means).double() @ matrix[:3, :3].T + matrix[:3, 3]
    cov = covariance_2d(
        torch.from_numpy(kept.scales).double(),
        torch.from_numpy(kept.quaternions).double(),
        matrix[:3, :3],
        point,
        v.camera,
    )
    mean = point[:, :2] / point[:, 2:] * torch.tensor([v.camera.fx, v.camera.fy]) + torch.tensor(
        [v.camera.cx, v.camera.cy]
    )
    sigmas = (2 * (torch.from_numpy(kept.opacities).double() / MIN_ALPHA).log().clip(0)).sqrt()
    drawn = point[:, 2] > 0.2 + 1e-3
    return mean.numpy(), (sigmas[:, None] * cov[:, [0, 2]].sqrt()).numpy(), drawn.numpy()


@pytest.mark.parametrize("name", ["default", "tiny", "wide"])
def test_every_gaussian_that_reaches_a_group_is_in_a_visited_voxel(name: str, seed: int) -> None:
    v = named(name, seed)
    mean, reach, drawn = reach_of(v)
    voxel = np.repeat(np.arange(len(v.image.grid)), v.image.grid.count)
    pairs = 0
    for group in v.frame.groups:
        low = np.array([group.corner_x, group.corner_y])
        here = drawn & (mean + reach > low).all(1) & (mean - reach < low + v.spec.group_size).all(1)
        missed = np.setdiff1d(voxel[here], group.voxels)
        assert len(missed) == 0, f"group at {low}: voxels {missed} are not visited"
        pairs += int(here.sum())
    assert pairs > 1000


@pytest.mark.parametrize("name", ["default", "tiny", "wide"])
def test_lists_are_sorted_and_bounds_hold(name: str, seed: int) -> None:
    v = named(name, seed)
    bounds = near_bounds(v.image, v.frame, v.spec)
    for group in v.frame.groups:
        assert len(np.unique(group.voxels)) == len(group.voxels)
        assert (np.diff(bounds[group.voxels]) >= 0).all()
    everything = replace(v.middle, voxels=np.arange(len(v.image.grid)))
    streamed, visit = voxel_fetch(v.image, v.frame, everything, v.spec)
    slack = streamed.point[:, 2] - torch.from_numpy(bounds)[visit]
    assert int(slack.min()) >= 0
    assert len(streamed) == len(v.image)
    # Not looser than the cube's size: √3 edges from the nearest corner to the farthest.
    assert float(slack.double().max()) < 1.75 * 65536
    keys = depth_key(streamed.point[:, 2], v.spec), depth_key(torch.from_numpy(bounds), v.spec)[visit]
    assert bool((keys[0] >= keys[1]).all())


@pytest.mark.parametrize("name", ["default", "tiny", "wide"])
def test_points_are_where_the_camera_sees_them(name: str, seed: int) -> None:
    """Camera space in integers against doubles, within what cut positions and a rounded matrix allow."""
    v = named(name, seed)
    streamed = voxel_fetch(v.image, v.frame, replace(v.middle, voxels=np.arange(len(v.image.grid))), v.spec)[0]
    kept = v.scene.select(v.image.grid.order)
    place = streamed.place.numpy()
    matrix = v.camera.world_to_camera
    point = (kept.means.astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]) / v.image.grid.edge
    offset = (kept.means.astype(np.float64) - v.camera.position) / v.image.grid.edge
    cut = 3.0 / 2**16  # three cut coordinates of at most one step each
    turned = 3 * 0.5 * 2.0**-16 * np.abs(offset).max() + 3.0 / 2**16
    assert np.abs(streamed.point.numpy() / 2**16 - point[place]).max() < cut + turned
    assert np.abs(streamed.relative.numpy() / 2**16 - offset[place]).max() < 2.0 / 2**16


@pytest.mark.parametrize("spec", [DEFAULT, TINY])
def test_groups_cover_the_image(spec: Spec) -> None:
    v = view(spec)
    size, tile = spec.group_size, spec.subtile
    frame = build_frame(v.image, replace(v.camera, width=size + tile + 1, height=3), spec)
    assert [(g.corner_x, g.corner_y, g.valid_columns, g.valid_rows) for g in frame.groups] == [
        (0, 0, spec.columns, 1),
        (size, 0, 2, 1),
    ]


def test_camera_constants() -> None:
    v = view(DEFAULT)
    frame, camera = v.frame, v.camera
    scale = 2.0 ** (frame.focal_exponent - DEFAULT.mantissa_bits + 1)
    assert frame.focal_x * scale == pytest.approx(camera.fx, rel=2.0**-16)
    assert frame.focal_y * scale == pytest.approx(camera.fy, rel=2.0**-16)
    assert max(frame.focal_x, frame.focal_y) >= 1 << (DEFAULT.mantissa_bits - 1)
    w, x, y, z = np.array(frame.quaternion) / 2**16
    turned = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    assert np.abs(turned - camera.world_to_camera[:3, :3]).max() < 1e-4
    assert np.array(frame.limits) / 2**16 == pytest.approx(
        1.3 * 64 / camera.fx * np.array([-1, 1, -1, 1]), abs=2.0**-16
    )
    for limit, stretch in ((frame.limits[1], frame.stretch_x), (frame.limits[3], frame.stretch_y)):
        assert stretch / 128 >= np.sqrt(1 + (limit / 2**16) ** 2) > (stretch - 1.01) / 128


def test_the_guard_band_belongs_to_the_window() -> None:
    """A window of a larger image: 0.3 of half its own field of view beyond its own edges; stretch by the wider end."""
    v = view(DEFAULT)
    camera = replace(v.camera, width=64, height=32, fx=150.0, fy=120.0, cx=-64.0, cy=80.0)
    frame = build_frame(v.image, camera, DEFAULT)
    wanted = [(64 - 9.6) / 150, (64 + 64 + 9.6) / 150, (-80 - 4.8) / 120, (32 - 80 + 4.8) / 120]
    assert np.array(frame.limits) / 2**16 == pytest.approx(wanted, abs=2.0**-16)
    assert frame.stretch_x == np.ceil(128 * np.sqrt(1 + wanted[1] ** 2))
    assert frame.stretch_y == np.ceil(128 * np.sqrt(1 + wanted[2] ** 2))


def test_the_near_plane() -> None:
    """As asked for where a Gaussian is nearer, else just before the nearest voxel."""
    outside, inside = view(DEFAULT), wide(3)
    nearest = int(near_bounds(outside.image, outside.frame, DEFAULT).min())
    assert outside.frame.near == nearest - 1 > np.ceil(0.2 / outside.image.grid.edge * 2**16)
    assert inside.frame.near == np.ceil(0.2 / inside.image.grid.edge * 2**16)


@pytest.mark.parametrize("focal", [300, 20_000, 65_535])
def test_long_lenses(focal: int, seed: int) -> None:
    """Centres on the image are within 1/32 px at any focal length, whatever the rounding of the rotation."""
    rng = np.random.default_rng(seed)
    scene = scene_of(rng.uniform(-1, 1, (500, 3)))
    for _ in range(5):
        direction = rng.normal(size=3)
        eye = -direction / np.linalg.norm(direction) * focal / 16
        camera = look_at(eye, np.zeros(3), np.array([0.0, 1, 0]), width=64, height=64, fov=2 * np.arctan(32 / focal))
        v = made(scene, camera, DEFAULT)
        streamed = v.everything(v.middle)
        mean = projection(streamed.point, v.frame, v.middle, DEFAULT).mean / 2**DEFAULT.screen_fraction
        wanted, *_ = reach_of(v)
        assert np.abs(mean.numpy() - wanted[streamed.place.numpy()]).max() < 1 / 32


def half_turn(axis: int) -> np.ndarray:
    matrix = -np.eye(3)
    matrix[axis, axis] = 1
    return matrix


@pytest.mark.parametrize("turn", [np.eye(3), half_turn(0), half_turn(1), half_turn(2)], ids=["none", "x", "y", "z"])
def test_quaternion_of_half_turns(turn: np.ndarray) -> None:
    """Where w is 0 the usual formula divides by it."""
    pose = np.eye(4)
    pose[:3, :3] = turn
    scene = random_scene(1, 30)
    frame = build_frame(build_scene_image(scene, TINY), replace(camera_at(), world_to_camera=pose), TINY)
    expected = [int(np.array_equal(turn, np.eye(3))), *(int(turn[k, k] > turn.sum() / 2) for k in range(3))]
    assert np.abs(frame.quaternion).tolist() == [65536 * e for e in expected] or np.array_equal(turn, np.eye(3))
    assert sum(c * c for c in frame.quaternion) == 1 << 32


def looking(**changes: object) -> Camera:
    return replace(camera_at(), **changes)


@pytest.mark.parametrize(
    ("camera", "near", "message"),
    [
        (looking(fx=20.0), 0.2, "camera: half the field of view must have a tangent of at most"),
        (looking(cy=300.0), 0.2, "camera: half the field of view must have a tangent of at most"),
        (looking(fx=70_000.0), 0.2, "camera: fx must lie in 1..65535 pixels for this engine, it is 70000"),
        (looking(fy=65536.0), 0.2, "camera: fy must lie in 1..65535 pixels for this engine, it is 65536"),
        (looking(width=1, cx=0.5, fx=0.9), 0.2, "camera: fx must lie in 1..65535 pixels for this engine, it is 0.9"),
        (looking(fx=6e4, cx=3e5), 0.2, "camera: cx must lie in -262016..262143 pixels for this engine, it is 300000"),
        (looking(fy=6e4, cy=-3e5), 0.2, "camera: cy must lie in -262016..262143 pixels for this engine, it is -300000"),
        (looking(), 0.0, "camera: the near plane must be positive, it is 0"),
        (looking(), -1.0, "camera: the near plane must be positive, it is -1"),
        (looking(), np.nan, "camera: the near plane must be positive, it is nan"),
        (looking(), np.inf, "camera: the near plane must be positive, it is inf"),
        (looking(), 1e6, "camera: the near plane must lie below 32768 voxel edges, it is"),
        (camera_at((0, 0, -1e5)), 0.2, "camera: every voxel must lie within 32764 voxel edges of the camera, one is"),
    ],
)
def test_refused_views(camera: Camera, near: float, message: str) -> None:
    image = build_scene_image(scene_of(np.random.default_rng(0).uniform(-1, 1, (300, 3))), DEFAULT)
    with pytest.raises(InputError) as refusal:
        build_frame(image, camera, DEFAULT, near=near)
    assert str(refusal.value).startswith(message)
    assert "\n" not in str(refusal.value)


def test_frames_of_too_many_groups() -> None:
    """The group table counts to 65,535: with groups of 16 pixels that is less than the largest frame."""
    camera = camera_at(size=(5187, 3361), focal=4900)
    with pytest.raises(InputError, match="at most 65535 groups of 16×16 pixels, 5187×3361 has 68575"):
        check_intrinsics(camera, TINY)
    check_intrinsics(camera, DEFAULT)


@pytest.mark.parametrize("name", ["lastchance", "flowers_3_0"])
def test_real_scenes(real_data: Path, name: str) -> None:
    v = view(DEFAULT, source=real_data / "scenes" / f"{name}.ply", size=256)
    mean, reach, drawn = reach_of(v)
    voxel = np.repeat(np.arange(len(v.image.grid)), v.image.grid.count)
    for group in v.frame.groups:
        low = np.array([group.corner_x, group.corner_y])
        here = drawn & (mean + reach > low).all(1) & (mean - reach < low + v.spec.group_size).all(1)
        assert len(np.setdiff1d(voxel[here], group.voxels)) == 0
