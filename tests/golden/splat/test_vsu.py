"""The voxel sorting unit's twin: its lists miss nothing, are hardly longer than exact ones, and are in order."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from golden.errors import InputError
from golden.scenes import Camera
from golden.splat.camera_limits import check_intrinsics
from golden.splat.frame import Frame, build_frame
from golden.splat.model import render
from golden.splat.scene_image import SceneImage, radius_value
from golden.splat.spec import CAMERA_FRACTION, DEFAULT, SIDE_MARGIN, SLACK_BITS, TINY, Spec
from golden.splat.vsu import near_bounds, reach, reciprocal, side_slopes, sides, voxel_lists, voxel_order
from tests.golden.splat.cases import CASES, case
from tests.golden.splat.scenes import camera_at, random_scene
from tests.golden.splat.views import VIEWS, View, made, view


def exact_lists(v: View) -> list[set[int]]:
    """Of each group, the voxels whose box of bounding spheres reaches inside its planes, in double precision."""
    image, frame, spec = v.image, v.frame, v.spec
    stretch = max(frame.stretch_x, frame.stretch_y) / 128
    spheres = (radius_value(image.radius) * stretch)[:, None]
    first = image.grid.first
    low = np.minimum.reduceat(image.grid.position - spheres, first, axis=0)
    high = np.maximum.reduceat(image.grid.position + spheres, first, axis=0)
    matrix = frame.rotation * spec.rotation_format.step
    middle = ((low + high) / 2 - frame.position * 2.0**-CAMERA_FRACTION) @ matrix.T
    half = (high - low) / 2

    def reaches(plane: list[float]) -> np.ndarray:
        return middle @ np.array(plane) - half @ np.abs(plane @ matrix) <= 2.0 ** (1 - SLACK_BITS)

    in_front = middle[:, 2] + half @ np.abs(matrix[2]) > 0
    camera, size = v.camera, spec.group_size
    cx, cy = (c / (1 << spec.screen_fraction) for c in frame.principal)
    lists: list[set[int]] = []
    for y in range(0, camera.height, size):
        for x in range(0, camera.width, size):
            left, right = ((edge - cx) / camera.fx for edge in (x - SIDE_MARGIN, x + size + SIDE_MARGIN))
            top, bottom = ((edge - cy) / camera.fy for edge in (y - SIDE_MARGIN, y + size + SIDE_MARGIN))
            planes = [[1.0, 0, -right], [-1.0, 0, left], [0, 1.0, -bottom], [0, -1.0, top]]
            visited = in_front & np.all([reaches(plane) for plane in planes], axis=0)
            lists.append(set(np.flatnonzero(visited).tolist()))
    return lists


def compare_lists(v: View) -> float:
    """By what share the lists are longer than exact ones, of which they hold every voxel."""
    lists = voxel_lists(v.image, v.frame, v.spec)
    exact = exact_lists(v)
    assert len(lists) == len(exact) == len(v.frame.groups)
    for number, (mine, wanted) in enumerate(zip(lists, exact, strict=True)):
        assert len(np.unique(mine)) == len(mine)
        assert not wanted - set(mine.tolist()), f"group {number}"
    return sum(map(len, lists)) / sum(map(len, exact)) - 1


@pytest.mark.parametrize("spec", [DEFAULT, TINY], ids=["default", "tiny"])
@pytest.mark.parametrize("name", CASES)
def test_lists_hold_every_voxel_of_exact_ones(name: str, spec: Spec) -> None:
    """Also from amid the scene, where boxes lie on both sides of the camera's plane."""
    assert compare_lists(case(name, spec)) < 0.06


@pytest.mark.parametrize("number", range(VIEWS))
@pytest.mark.parametrize("name", ["lastchance", "flowers_3_0", "statue_angel", "skull"])
def test_lists_of_real_scenes_are_within_two_percent(real_data: Path, name: str, number: int) -> None:
    assert compare_lists(view(DEFAULT, source=real_data / "scenes" / f"{name}.ply", number=number, size=256)) < 0.02


@pytest.mark.parametrize("name", CASES)
def test_boxes_hold_every_sphere(name: str) -> None:
    """For every stretch, though only two boxes are stored, and with the rounding of their codes."""
    v = case(name)
    boxes, grid = v.image.boxes, v.image.grid
    voxel = np.repeat(np.arange(len(grid)), grid.count)
    position = grid.position - grid.index[voxel]
    assert boxes.half.max() < 1 << 16
    assert boxes.middle.min() >= 0
    assert boxes.middle.max() < 1 << 16
    for stretch in (128, 129, 150, 191, 254):
        small, large = boxes.half[:, 0], boxes.half[:, 1]
        half = (small + -((128 - stretch) * (large - small) // 128)) << boxes.exponent[:, None]
        away = np.abs(position * 65536 - boxes.middle[voxel]) + radius_value(v.image.radius)[:, None] * stretch * 512
        assert (away <= half[voxel]).all()
        assert half.mean() < 1.1 * np.maximum.reduceat(away, grid.first, axis=0).mean()


@pytest.mark.parametrize("focal", [1.0, 1.99999, 2.0, 300.1, 4711.0, 65535.9])
def test_reciprocals(focal: float) -> None:
    code, exponent = reciprocal(focal)
    assert 1 << 15 <= code <= 1 << 16
    assert abs(code * 2.0 ** -(16 + exponent) - 1 / focal) <= 2.0 ** -(17 + exponent)


@pytest.mark.parametrize(
    "spec", [DEFAULT, TINY, replace(DEFAULT, screen_fraction=2)], ids=["default", "tiny", "coarse"]
)
def test_slopes_lie_outside_the_true_ones(spec: Spec, seed: int) -> None:
    """By less than two steps, except beyond the format's ends."""
    rng = np.random.default_rng(seed)
    size, unit = spec.group_size, 1 << spec.screen_fraction
    for _ in range(300):
        focal = float(np.exp(rng.uniform(np.log(20), np.log(60_000))))
        count = int(min(1 + 3 * focal // size, 100))
        centre = int(rng.integers(0, count * size * unit))
        frame = replace(view(spec).frame, reciprocal=(reciprocal(focal),) * 2, principal=(centre,) * 2, columns=count)
        slopes = side_slopes(frame, 0, spec)
        low = np.arange(count) * size - SIDE_MARGIN - centre / unit
        true = np.stack([low, low + size + 2 * SIDE_MARGIN], axis=1) / focal * (1 << 13)
        out = np.stack([true[:, 0] - slopes[:, 0], slopes[:, 1] - true[:, 1]], axis=1)
        held = np.abs(true) < 1 << 15
        assert (out[held] >= 0).all()
        assert (out[held] < 2.1 + (1 << 13) / focal / unit).all()  # and what the margin is rounded up by


def test_normals_are_rounded_up() -> None:
    v = view(DEFAULT)
    for axis in range(2):
        found = sides(v.frame, axis, DEFAULT)
        for slopes, normals in zip(found.slopes, found.normals, strict=True):
            for slope, normal in zip(slopes, normals, strict=True):
                true = np.abs(v.frame.rotation[axis] / 2**16 - slope / 2**13 * v.frame.rotation[2] / 2**16) * 2**14
                assert (normal >= true).all()
                assert (normal < true + 1).all()


def test_equal_bounds_keep_the_order_of_the_numbers_and_a_full_unit_leaves_the_last_ones_out() -> None:
    seen = np.array([1, 1, 0, 1, 1, 1], bool)
    bounds = np.array([7, -3, -9, 7, -3, 0])
    assert voxel_order(seen, bounds)[0].tolist() == [1, 4, 5, 0, 3]
    order, lost = voxel_order(seen, bounds, capacity=3)
    assert (order.tolist(), lost) == ([1, 0, 3], 2)


@pytest.mark.parametrize("name", ["random", "close"])
def test_the_picture_is_that_of_visits_to_every_voxel(name: str) -> None:
    v = case(name, replace(DEFAULT, sort_levels=13, sort_banks=8))
    bounds = near_bounds(v.image, v.frame, v.spec)
    order = np.argsort(bounds, kind="stable")
    everything = [replace(group, voxels=order, depths=bounds[order]) for group in v.frame.groups]
    found, wanted = (
        render(v.image, v.frame, v.spec),
        render(v.image, replace(v.frame, groups=tuple(everything)), v.spec),
    )
    assert bool((found.image == wanted.image).all())
    assert bool(found.image.any())
    assert found.work.voxels < wanted.work.voxels


def faced(position: tuple[float, float, float], v: View) -> tuple[SceneImage, Frame, Camera]:
    """The view's image from a place in its grid's own coordinates, along +z."""
    camera = camera_at(tuple(v.image.grid.origin + np.array(position) * v.image.grid.edge), size=(64, 48), focal=50)
    return v.image, build_frame(v.image, camera, v.spec), camera


@pytest.mark.parametrize("place", ["inside", "corner", "face"])
def test_a_camera_in_a_voxel_or_on_its_face_visits_it(place: str) -> None:
    v = made(random_scene(3, 2000), camera_at(), DEFAULT)
    voxel = int(np.argmax(v.image.grid.count))
    position = v.image.grid.index[voxel] + {"inside": 0.5, "corner": 0.0, "face": np.array([0.5, 0.5, 1.0])}[place]
    image, frame, camera = faced(tuple(position), v)
    assert compare_lists(replace(v, frame=frame, camera=camera)) < 0.1
    assert all(voxel in group.voxels for group in frame.groups)
    assert bool(render(image, frame, DEFAULT).image.any())


def test_a_camera_with_the_scene_behind_it_visits_nothing() -> None:
    v = made(random_scene(3, 2000), camera_at(), DEFAULT)
    image, frame, _ = faced((0, 0, 40), v)
    assert not reach(image, frame, DEFAULT).seen.any()
    assert [len(group.voxels) for group in frame.groups] == [0]
    assert not render(image, frame, DEFAULT).image.any()


def test_a_focal_length_of_zero_is_refused_in_one_line() -> None:
    with pytest.raises(InputError, match=r"^camera: fx must lie in 0\.01\.\.1e\+06 pixels, it is 0$"):
        replace(camera_at(), fx=0.0)
    with pytest.raises(InputError, match=r"^camera: fy must lie in 1\.\.65535 pixels for this engine, it is 0\.01$"):
        check_intrinsics(replace(camera_at(), fy=0.01), DEFAULT)
    assert math.isfinite(reciprocal(1.0)[0])
