"""Frustum: quantised planes hold the whole picture, what is outside is outside, and only that is missing in the cut."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from golden.errors import InputError
from golden.lod.frustum import EVERYWHERE, corner_rays, in_sight, quantise_planes, side_planes
from golden.lod.frustum_check import outside
from golden.lod.memory_image import build_memory_image
from golden.lod.model import SearchModel
from golden.lod.spec import DEFAULT, TINY, Spec
from golden.lod.tree_image import cut_nodes
from golden.lod.view import make_path
from golden.scenes import Camera
from golden.scenes.camera import look_at
from tests.golden.lod.trees import cameras, small_image


def random_camera(rng: np.random.Generator, focal: float, *, distance: float = 1.0) -> Camera:
    """Somewhere, looking anywhere, its axis not always in the picture's middle."""
    eye, target = rng.normal(size=(2, 3)) * distance
    at = look_at(eye, target, np.array([0.0, 1.0, 0.0]), width=320, height=200, fov=1.0)
    return Camera(
        width=320, height=200, fx=focal, fy=focal * rng.uniform(0.5, 2), cx=rng.uniform(0, 320), cy=rng.uniform(0, 200),
        world_to_camera=at.world_to_camera,
    )  # fmt: skip


@pytest.mark.parametrize("focal", [40.0, 250.0, 3000.0, 1e5])
def test_planes_hold_the_picture(focal: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(20):
        camera = random_camera(rng, focal)
        planes = quantise_planes(camera)
        assert np.abs(planes).max() < 1 << 11
        assert (corner_rays(camera) @ planes.T > 0).all()
        length = np.linalg.norm(planes, axis=1)
        assert ((planes * side_planes(camera)).sum(axis=1) / length > np.cos(np.radians(0.3))).all()


def test_a_picture_of_half_the_world_has_no_outside(seed: int) -> None:
    camera = random_camera(np.random.default_rng(seed), 0.01)
    for plane in quantise_planes(camera):
        assert not plane.any() or (corner_rays(camera) @ plane > 0).all()


def test_rays_and_planes_by_hand() -> None:
    camera = Camera(width=200, height=100, fx=100, fy=50, cx=100, cy=50, world_to_camera=np.eye(4))
    assert np.allclose(corner_rays(camera) * np.sqrt(3), [(-1, -1, 1), (1, -1, 1), (1, 1, 1), (-1, 1, 1)])
    root = np.sqrt(0.5)
    assert np.allclose(side_planes(camera), np.array([(0, 1, 1), (-1, 0, 1), (0, -1, 1), (1, 0, 1)]) * root)


@pytest.mark.parametrize("reach", [12, 17, 20, 23])
def test_never_outside_what_is_in_sight(reach: int, seed: int) -> None:
    """Boxes of all sizes around cameras near and far; the guard is small beside what is far out."""
    rng = np.random.default_rng(seed)
    found = clear = 0
    for _ in range(10):
        camera = random_camera(rng, 250.0, distance=2.0 ** (reach - 2))
        place = np.round(camera.position).astype(np.int64)
        low = place + np.round(rng.normal(size=(400, 3)) * 2.0 ** (reach - 1)).astype(np.int64)
        high = low + (rng.random((400, 3)) * 2.0 ** rng.uniform(2, reach - 1, (400, 1))).astype(np.int64)
        planes = torch.from_numpy(quantise_planes(camera))
        tensors = torch.from_numpy(low), torch.from_numpy(high), torch.from_numpy(place)
        got = outside(planes, *tensors).numpy()
        seen = in_sight(camera, low.astype(float), high.astype(float))
        assert not (got & seen).any()
        found, clear = found + int(got.sum()), clear + int((~seen).sum())
        assert not outside(torch.from_numpy(EVERYWHERE), *tensors).any()
    assert found >= 0.97 * clear > 1000


@pytest.mark.parametrize("spec", [DEFAULT, TINY, Spec(box_bits=12, size_bits=8)])
@pytest.mark.parametrize("tau", [2.0, 12.0])
def test_only_what_is_out_of_sight_is_missing(spec: Spec, tau: float) -> None:
    image, inside = small_image(spec, 2000), cameras("walk", 200)[::66]
    tree, model, missed = image.sltree.hierarchy, SearchModel(image), 0
    whole, part = make_path(image, inside, tau), make_path(image, inside, tau, frustum=True)
    for camera, everywhere, framed in zip(inside, whole, part, strict=True):
        every, found = model.search(everywhere), model.search(framed)
        full, cut = (cut_nodes(image.sltree, search.state.cut.numpy()) for search in (every, found))
        assert np.isin(cut, full).all()
        hidden = ~in_sight(camera, tree.low, tree.high) & ~tree.leaf
        for node in np.setdiff1d(full, cut):
            line = [int(node)]
            while line[-1] > 0:
                line.append(int(tree.parent[line[-1]]))
            assert hidden[line].any(), f"node {node} is in sight"
            missed += 1
        assert found.nodes <= every.nodes
    assert missed > 100


def test_refuses_temporal_search_with_a_frustum() -> None:
    image = small_image(TINY)
    path = make_path(image, cameras("orbit", 2), 4.0, frustum=True)
    with pytest.raises(InputError, match="a temporal search sees all directions"):
        build_memory_image(image, path, word_bytes=16, temporal=True)
