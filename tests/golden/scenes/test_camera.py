"""Cameras: what they see, orbits, and the two forms of camera files."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden.errors import InputError
from golden.scenes import Camera, Scene, load_cameras, load_scene, orbit
from golden.scenes.camera import look_at

Array = npt.NDArray[np.float64]
DOWN = np.array([0.0, 1.0, 0.0])
numbers = st.floats(-100, 100)


def seen_at(camera: Camera, point: Array) -> tuple[float, float, float]:
    """Pixel x and y, and depth, of a world point."""
    x, y, z, _ = camera.world_to_camera @ [*point, 1.0]
    return camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy, z


def scene_of(means: Array, scale: float = 0.01) -> Scene:
    count = len(means)
    return Scene(
        name="points",
        means=means.astype(np.float32),
        scales=np.full((count, 3), scale, np.float32),
        quaternions=np.tile(np.float32([1, 0, 0, 0]), (count, 1)),
        opacities=np.full(count, 0.9, np.float32),
        sh=np.zeros((count, 1, 3), np.float32),
    )


@given(st.tuples(numbers, numbers, numbers), st.tuples(numbers, numbers, numbers), st.floats(0.2, 2.5))
def test_look_at(eye: tuple[float, ...], target: tuple[float, ...], fov: float) -> None:
    here, there = np.array(eye), np.array(target)
    gap = there - here
    if np.hypot(gap[0], gap[2]) < 0.1:
        return
    camera = look_at(here, there, DOWN, width=320, height=200, fov=fov)
    assert np.allclose(camera.position, here, atol=1e-6)
    x, y, z = seen_at(camera, there)
    assert (x, y) == pytest.approx((160, 100), abs=1e-5)
    assert z == pytest.approx(np.linalg.norm(gap))
    assert np.linalg.det(camera.world_to_camera[:3, :3]) == pytest.approx(1)
    x_below, y_below, _ = seen_at(camera, there + 0.01 * DOWN)
    assert y_below > y
    assert x_below == pytest.approx(x, abs=1e-5)
    edge = here + z * (camera.world_to_camera[2, :3] + math.tan(fov / 2) * camera.world_to_camera[1, :3])
    assert seen_at(camera, edge)[1] == pytest.approx(200)  # fov spans the shorter side


def test_look_at_needs_a_direction() -> None:
    for target in (np.zeros(3), 5 * DOWN, -DOWN):
        with pytest.raises(InputError, match="must look across its 'down' 0 1 0"):
            look_at(np.zeros(3), target, DOWN, width=8, height=8, fov=1)


def test_look_at_needs_to_know_where_down_is() -> None:
    with pytest.raises(InputError, match="must look across its 'down' 0 0 0"):
        look_at(np.zeros(3), np.ones(3), np.zeros(3), width=8, height=8, fov=1)


def test_orbit_walks_a_circle_around_the_middle() -> None:
    scene = load_scene("embedded")
    cameras = [orbit(scene, k, 4, width=256, height=192) for k in range(4)]
    centre = np.mean([c.position for c in cameras], axis=0)
    middle = np.median(scene.means, axis=0)
    assert np.abs(centre[[0, 2]] - middle[[0, 2]]).max() < 0.05
    assert centre[1] < middle[1]  # above it: y points down
    for k, camera in enumerate(cameras):
        before = cameras[k - 1].position - centre
        assert np.dot(camera.position - centre, before) == pytest.approx(0, abs=1e-9)
        assert camera.world_to_camera[0, 1] == pytest.approx(0)  # the horizon is level
        x, y, _ = seen_at(camera, middle)
        assert abs(x - 128) < 8
        assert abs(y - 96) < 8
        seen = [seen_at(camera, mean) for mean in scene.means[::200].astype(np.float64)]
        assert np.mean([0 <= u < 256 and 0 <= v < 192 and w > 0 for u, v, w in seen]) > 0.8


def test_orbit_of_one_gaussian_shows_it() -> None:
    camera = orbit(scene_of(np.array([[3.0, 4.0, 5.0]]), scale=2.0), 0, 1, width=100, height=100)
    x, y, z = seen_at(camera, np.array([3.0, 4.0, 5.0]))
    assert (x, y) == pytest.approx((50, 50))
    assert z > 2.0


def test_orbit_ignores_stray_gaussians(seed: int) -> None:
    means = np.random.default_rng(seed).normal(size=(500, 3))
    strays = np.concatenate([means, np.full((5, 3), 1e4)])
    quiet, loud = (orbit(scene_of(m), 1, 7, width=64, height=64).position for m in (means, strays))
    assert np.abs(quiet - loud).max() < 0.3


@pytest.mark.parametrize(("view", "views"), [(0, 0), (3, 3), (-1, 3), (0, -2)])
def test_orbit_refuses(view: int, views: int) -> None:
    with pytest.raises(InputError, match=rf"needs 0 <= K < N, got {view}/{views}"):
        orbit(scene_of(np.eye(3)), view, views, width=8, height=8)


def test_json_round_trip(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    cameras = [look_at(rng.normal(size=3), rng.normal(size=3), DOWN, width=64, height=48, fov=1) for _ in range(3)]
    cameras[1] = replace(cameras[1], fx=77.7, cx=-3.25)
    (tmp_path / "many.json").write_text(json.dumps([c.to_json() for c in cameras]))
    (tmp_path / "one.json").write_text(json.dumps(cameras[1].to_json()))
    for read, written in zip(load_cameras(tmp_path / "many.json"), cameras, strict=True):
        assert read.to_json() == written.to_json()
    (single,) = load_cameras(str(tmp_path / "one.json"))
    assert single.to_json() == cameras[1].to_json()


def test_inria_form(tmp_path: Path, seed: int) -> None:
    """`rotation` holds the camera's axes as columns, `position` its centre; the principal point is the middle."""
    rng = np.random.default_rng(seed)
    camera = look_at(rng.normal(size=3), rng.normal(size=3), DOWN, width=64, height=48, fov=1)
    item = {
        "id": 0,
        "img_name": "00001",
        "width": 64,
        "height": 48,
        "position": camera.position.tolist(),
        "rotation": camera.world_to_camera[:3, :3].T.tolist(),
        "fy": camera.fy,
        "fx": camera.fx,
    }
    (tmp_path / "cameras.json").write_text(json.dumps([item, item | {"cx": 30.5, "cy": 20}]))
    middle, shifted = load_cameras(tmp_path / "cameras.json")
    assert np.allclose(middle.world_to_camera, camera.world_to_camera, atol=1e-12)
    assert (middle.fx, middle.fy, middle.cx, middle.cy) == (camera.fx, camera.fy, 32, 24)
    assert (shifted.cx, shifted.cy) == (30.5, 20)


def test_the_position_is_what_the_matrix_sends_to_0(seed: int) -> None:
    """Also far from the origin, with a rotation of float32's or a text file's precision."""
    rng = np.random.default_rng(seed)
    for digits in (4, 7):
        matrix = np.eye(4)
        matrix[:3, :3] = np.linalg.qr(rng.normal(size=(3, 3)))[0].round(digits)
        matrix[:3, :3] *= np.sign(np.linalg.det(matrix[:3, :3]))
        matrix[:3, 3] = rng.uniform(-1e7, 1e7, 3)
        camera = Camera(width=8, height=8, fx=8, fy=8, cx=4, cy=4, world_to_camera=matrix)
        assert np.abs(matrix @ [*camera.position, 1.0])[:3].max() < 1e-7
