"""Scenes that do not fit one grid around their middle are drawn all the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from golden.scenes import Camera, Scene, orbit
from golden.splat import model, reference
from golden.splat.frame import build_frame
from golden.splat.scene_image import build_scene_image, scene_edge
from golden.splat.seen_scene import DEEP, SeenScene, see
from golden.splat.spec import DEFAULT
from tests.golden.splat.scenes import camera_at, scene_of
from tests.golden.splat.views import known_image, known_scene

NEAR = 0.2
SIZE = (48, 48)
Array = np.ndarray


def cloud(seed: int, count: int = 300, *, at: tuple[float, float, float] = (0, 0, 0), width: float = 0.5) -> Scene:
    """A ball of small Gaussians around a place."""
    rng = np.random.default_rng(seed)
    return scene_of(
        np.array(at) + width * rng.normal(size=(count, 3)),
        0.1 * width * rng.uniform(0.3, 1, (count, 3)),
        rng.uniform(0.3, 0.95, count),
        quaternions=rng.normal(size=(count, 4)),
        sh=rng.normal(0, 0.4, (count, 4, 3)),
    )


def one(place: tuple[float, float, float], scale: float, opacity: float = 0.8) -> Scene:
    return scene_of(np.array([place]), scale, opacity, sh=np.full((1, 4, 3), 0.3))


def together(*scenes: Scene) -> Scene:
    names = ("means", "scales", "quaternions", "opacities", "sh")
    return replace(scenes[0], **{name: np.concatenate([getattr(s, name) for s in scenes]) for name in names})


def sky(seed: int) -> Scene:
    """Large Gaussians on the image, 10 to 1,000,000 units away."""
    rng = np.random.default_rng(seed)
    depth = 10 ** rng.uniform(1, 6, (100, 1))
    place = np.concatenate([rng.uniform(-0.3, 0.3, (100, 2)), np.ones((100, 1))], axis=1) * depth
    return scene_of(place, 0.03 * depth, 0.8, sh=rng.normal(0, 0.4, (100, 4, 3)))


def wide(seed: int) -> Scene:
    """A map of 200 km with one detailed place."""
    rng = np.random.default_rng(seed)
    return together(scene_of(rng.uniform(-1e5, 1e5, (3000, 3)), 300, 0.8, sh=np.zeros((3000, 4, 3))), cloud(seed, 50))


def sizes(seed: int) -> Scene:
    scene = cloud(seed, width=1.5)
    return replace(scene, scales=(10 ** np.random.default_rng(seed).uniform(-5, -0.5, (300, 3))).astype(np.float32))


HERE, THERE = (0.0, 0.0, -3.0), (1e6, 0.0, -3.0)
SCENES: dict[str, tuple[Callable[[int], Scene], tuple[float, float, float]]] = {
    "a stray one": (lambda seed: together(cloud(seed), one((1e3, 2e2, 5e2), 0.05, 0.02)), HERE),
    "a stray one far away": (lambda seed: together(cloud(seed, 2000), one((1e6, 2e5, 3e6), 0.05)), HERE),
    "a giant": (lambda seed: together(cloud(seed), one((0, 0, 0), 1e4, 0.1)), HERE),
    "a sky": (lambda seed: together(cloud(seed), sky(seed)), HERE),
    "two clusters, from the first": (lambda seed: together(cloud(seed), cloud(seed + 1, at=(1e6, 0, 0))), HERE),
    "two clusters, from the second": (lambda seed: together(cloud(seed), cloud(seed + 1, at=(1e6, 0, 0))), THERE),
    "two clusters, from afar": (
        lambda seed: together(cloud(seed, width=3e4), cloud(seed + 1, 40, at=(1e6, 0, 0))), (5e5, 0.0, -2e6)
    ),
    "a wide map": (wide, HERE),
    "one place": (lambda seed: replace(cloud(seed, 60), means=np.zeros((60, 3))), HERE),
    "one small one": (lambda _: one((0, 0, 0), 1e-4), HERE),
    "one small one from afar": (lambda _: one((0, 0, 0), 1e-6), (0.0, 0.0, -1e3)),
    "many sizes": (sizes, HERE),
    "far coordinates": (lambda seed: cloud(seed, at=(1e7, -4e6, 5e6)), (1e7, -4e6, 5e6 - 3)),
}  # fmt: skip


def drawn(seen: SeenScene, camera: Camera) -> Array:
    image = build_scene_image(seen.scene, DEFAULT, edge=seen.edge, origin=seen.origin)
    return model.render(image, build_frame(image, camera, DEFAULT, near=NEAR), DEFAULT).color.numpy()


def psnr(image: Array, wanted: Array) -> float:
    return float(-10 * np.log10(((np.clip(image, 0, 1) - np.clip(wanted, 0, 1)) ** 2).mean()))


@pytest.mark.parametrize("kind", SCENES)
def test_scenes_of_every_reach_are_drawn(kind: str, seed: int) -> None:
    make, eye = SCENES[kind]
    scene, camera = make(seed), camera_at(eye, size=SIZE, focal=48)
    wanted = reference.render(scene, camera).numpy()
    assert wanted.max() > 0.1
    seen = see(scene, camera, DEFAULT, near=NEAR)
    assert seen.notices() == []
    assert psnr(drawn(seen, camera), wanted) > 45


def test_what_is_brought_nearer_looks_the_same(seed: int) -> None:
    """Mean, size and direction on the image, and the order of depths."""
    scene, camera = together(cloud(seed), sky(seed)), camera_at(HERE, size=SIZE, focal=48)
    seen = see(scene, camera, DEFAULT, near=NEAR, edge=0.25)
    before, after = ((s.means - camera.position)[:, 2] for s in (scene, seen.scene))
    assert before.max() > 100 * DEEP * seen.edge
    assert after.max() <= 2 * DEEP * seen.edge * (1 + 1e-9)
    assert np.array_equal(np.argsort(before, kind="stable"), np.argsort(after, kind="stable"))
    assert np.array_equal(after[before < DEEP * seen.edge], before[before < DEEP * seen.edge])
    assert psnr(reference.render(seen.scene, camera).numpy(), reference.render(scene, camera).numpy()) > 80


def test_what_just_does_not_fit_around_the_middle(seed: int) -> None:
    """The camera on one side, what it looks at on the other, each at less than 2**15 voxels."""
    scene = together(cloud(seed, 400), cloud(seed + 1, 40, at=(0, 0, 2e4)), one((0, 0, 1.9e4), 2e2))
    camera = camera_at((0, 0, -2e4), size=SIZE, focal=4e3)
    seen = see(scene, camera, DEFAULT, near=NEAR, edge=1.0)
    assert seen.origin is not None
    assert seen.notices() == []
    assert psnr(drawn(seen, camera), reference.render(scene, camera).numpy()) > 45


def test_the_embedded_scene_is_taken_as_it_is() -> None:
    """The grid of a scene that fits does not change with the rules for those that do not."""
    scene, image = known_scene("embedded"), known_image("embedded", DEFAULT)
    for view in range(3):
        seen = see(scene, orbit(scene, view, 3, width=256, height=256), DEFAULT, near=NEAR)
        assert seen.scene is scene
        assert (seen.origin, seen.edge, seen.notices()) == (None, scene_edge(scene, DEFAULT), [])
    assert (image.grid.edge, len(image.grid)) == (2.0**-1.75, 633)
    bytes_ = image.grid.order.astype("<i8").tobytes() + image.grid.index.astype("<i8").tobytes()
    assert hashlib.sha256(bytes_).hexdigest().startswith("71996a16901204b7")


def test_a_near_detail_has_smaller_voxels(seed: int) -> None:
    """A step of position is at most one of the screen, 1/64 px, for all but the nearest on the image."""
    scene, focal = wide(seed), 48
    camera = camera_at(HERE, size=SIZE, focal=focal)
    point = scene.means - camera.position
    on_image = (point[:, 2] > NEAR) & (np.abs(point[:, :2]) * focal <= 24 * point[:, 2:]).all(axis=1)
    edge = see(scene, camera, DEFAULT, near=NEAR).edge
    assert edge < scene_edge(scene, DEFAULT) / 10
    steps = focal / point[on_image, 2] * edge / 2**DEFAULT.position_bits
    assert (steps <= 2.0**-DEFAULT.screen_fraction).mean() == pytest.approx(0.95, abs=0.01)


def test_what_is_lost_is_said(seed: int) -> None:
    camera = camera_at(HERE, size=SIZE, focal=48)
    wider = see(together(cloud(seed), one((0, 0, 0), 1e7, 0.02)), camera, DEFAULT, near=NEAR)
    assert wider.narrowed == 1
    assert wider.notices()[0].startswith("1 Gaussians are wider than 4096 voxels of")
    beside = see(together(cloud(seed), one((1e5, 0, 10), 9e4)), camera, DEFAULT, near=NEAR, edge=1.0)
    assert beside.lost == 1
    assert beside.notices()[-1] == "1 Gaussians are more than 32762 voxels of 1 away: not drawn"
    behind = see(together(cloud(seed), one((0, 0, -1e5), 5.0)), camera, DEFAULT, near=NEAR, edge=1.0)
    assert behind.notices() == []


def test_the_opacities_of_a_mip_scene_are_the_views(seed: int) -> None:
    """Small Gaussians, which dilation makes brighter, keep their light in the model as in the reference."""
    small = cloud(seed, 1500)
    small = replace(small, scales=small.scales * np.float32(0.2), mip=True)
    camera = camera_at(HERE, size=SIZE, focal=48)
    wanted = reference.render(small, camera).numpy()
    assert psnr(reference.render(replace(small, mip=False), camera).numpy(), wanted) < 25
    seen = see(small, camera, DEFAULT, near=NEAR)
    assert (seen.scene.opacities <= small.opacities).all()
    assert psnr(drawn(seen, camera), wanted) > 45
