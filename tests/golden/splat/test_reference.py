"""The float reference: against closed forms, a brute-force loop and images of the CUDA rasteriser."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from golden.scenes import Camera, Scene, load_scene, orbit
from golden.splat import reference
from golden.splat.ewa import Rules, project, rotation_matrix, spherical_harmonics
from golden.splat.reference import GSPLAT, render
from tests.golden.spherical import real_harmonics
from tests.golden.splat import brute_force

SH_C0 = 0.28209479177387814


def camera_at_origin(width: int = 48, height: int = 32, focal: float = 40.0) -> Camera:
    return Camera(
        width=width, height=height, fx=focal, fy=focal, cx=width / 2, cy=height / 2, world_to_camera=np.eye(4)
    )


def gaussians(
    means: list[list[float]],
    *,
    scale: float = 0.2,
    opacity: float | list[float] = 0.8,
    colors: list[list[float]] | None = None,
) -> Scene:
    """Round Gaussians of SH degree 0."""
    count = len(means)
    return Scene(
        name="test",
        means=np.array(means, np.float32).reshape(-1, 3),
        scales=np.full((count, 3), scale, np.float32),
        quaternions=np.tile(np.float32([1, 0, 0, 0]), (count, 1)),
        opacities=np.full(count, opacity, np.float32),
        sh=((np.array(colors or [[1, 1, 1]] * count, np.float32) - 0.5) / SH_C0).astype(np.float32)[:, None],
    )


def random_scene(seed: int, count: int, *, opaque: bool = False) -> Scene:
    """Anisotropic Gaussians of SH degree 3 in front of, around and behind a camera at the origin."""
    rng = np.random.default_rng(seed)
    quaternions = rng.normal(size=(count, 4))
    return Scene(
        name="random",
        means=(rng.uniform([-2.2, -1.6, -0.5], [2.2, 1.6, 5], (count, 3))).astype(np.float32),
        scales=np.exp(rng.uniform(-4, -0.5, (count, 3))).astype(np.float32),
        quaternions=(quaternions / np.linalg.norm(quaternions, axis=1, keepdims=True)).astype(np.float32),
        opacities=rng.uniform(0.9 if opaque else 0.05, 1.0, count).astype(np.float32),
        sh=rng.normal(0, 0.4, (count, 16, 3)).astype(np.float32),
    )


def psnr(image: Tensor, wanted: Tensor) -> float:
    return float(-10 * torch.log10(((image - wanted) ** 2).mean()))


def test_one_gaussian_has_its_profile() -> None:
    """α = o·exp(-r²/2σ²) with σ² = (f·s/z)² + 0.3 for a Gaussian on the optical axis."""
    image = render(gaussians([[0, 0, 2]], scale=0.15, opacity=0.8, colors=[[0.9, 0.5, 0.2]]), camera_at_origin())
    variance = (40 * 0.15 / 2) ** 2 + 0.3
    y, x = np.mgrid[:32, :48] + 0.5
    square = (x - 24) ** 2 + (y - 16) ** 2
    alpha = 0.8 * np.exp(-square / (2 * variance))
    alpha[alpha < 1 / 255] = 0
    alpha[(np.abs(x - 24) > 16) | (np.abs(y - 16) > 16)] = 0  # its square ends inside these tiles
    assert np.abs(image.numpy() - alpha[..., None] * [0.9, 0.5, 0.2]).max() < 1e-6
    assert image[0, 0].tolist() == [0, 0, 0]


def test_an_opaque_front_hides_the_back() -> None:
    """Three layers of 0.98 would leave 8e-6 of light: the third brings it below 1e-4 and ends the pixel."""
    red, green, blue = [1, 0, 0], [0, 1, 0], [0, 0, 1]
    scene = gaussians([[0, 0, 4], [0, 0, 1], [0, 0, 2]], scale=50.0, opacity=0.98, colors=[blue, red, green])
    middle = render(scene, camera_at_origin())[16, 24].tolist()
    assert middle == pytest.approx([0.98, 0.02 * 0.98, 0], abs=1e-5)
    assert middle[2] == 0


def test_the_stop_rule_leaves_out_the_gaussian_that_crosses_it() -> None:
    """Light after n layers of alpha a is (1-a)ⁿ; the layer that would pass 1e-4 adds nothing, nor any later."""
    alpha = 0.9  # three layers leave 1e-3, a fourth of 0.9 just 1e-4
    for last, drawn in ((0.899, True), (0.901, False)):
        opacity = [alpha, alpha, alpha, last, 0.5]
        scene = gaussians([[0, 0, z] for z in (1, 1.1, 1.2, 1.3, 1.4)], scale=50.0, opacity=opacity)
        middle = float(render(scene, camera_at_origin())[16, 24, 0])
        assert middle == pytest.approx(1 - 1e-3 * ((1 - last) if drawn else 1), abs=2e-6)
        ended = float(render(scene, camera_at_origin(), background=1.0)[16, 24, 0])
        assert ended == pytest.approx(1, abs=2e-6)


@pytest.mark.parametrize("chunk", [1, 3, 64, 1024])
def test_the_chunk_does_not_matter(seed: int, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = random_scene(seed, 300, opaque=True)
    whole = render(scene, camera_at_origin(), background=0.3)
    monkeypatch.setattr(reference, "CHUNK", chunk)
    assert (render(scene, camera_at_origin(), background=0.3) - whole).abs().max() < 2e-6


def test_the_order_of_the_scene_does_not_matter(seed: int) -> None:
    scene = random_scene(seed, 200)
    shuffled = scene.select(np.random.default_rng(seed).permutation(len(scene)))
    assert torch.equal(render(scene, camera_at_origin()), render(shuffled, camera_at_origin()))


def test_equal_depths_keep_the_order_of_the_scene() -> None:
    red, blue = [1, 0, 0], [0, 0, 1]
    for colors in ([red, blue], [blue, red]):
        middle = render(gaussians([[0, 0, 2]] * 2, scale=3.0, colors=colors), camera_at_origin())[16, 24]
        assert middle.tolist() == pytest.approx(
            (np.array(colors[0]) * 0.8 + np.array(colors[1]) * 0.16).tolist(), abs=1e-3
        )


def test_background_fills_what_is_left(seed: int) -> None:
    scene = random_scene(seed, 60)
    images = [render(scene, camera_at_origin(), background=b) for b in (0.0, 0.5, 1.0)]
    left = images[2] - images[0]
    assert torch.allclose(images[1] - images[0], left / 2, atol=1e-6)
    assert (left > -1e-6).all()
    assert (left < 1 + 1e-6).all()
    assert left.std() > 0.05
    assert render(gaussians([[0, 0, -1]]), camera_at_origin(), background=0.25).unique().tolist() == [0.25]


@pytest.mark.parametrize(("rules", "near"), [(Rules(), 0.2), (GSPLAT, 0.01), (Rules(near=3.0), 3.0)])
def test_near_plane(rules: Rules, near: float) -> None:
    behind = np.nextafter(np.float32(near), np.float32(0))
    front = np.nextafter(np.float32(near), np.float32(9))
    scene = gaussians([[0, 0, z] for z in (-5, 0, behind, near, front, 8)], scale=1e-3)
    assert project(scene, camera_at_origin(), rules).index.tolist() == [4, 5]


def test_only_what_touches_the_image_is_projected() -> None:
    variance = (400 * 0.095 / 20) ** 2 + 0.3
    assert 3 * math.sqrt(variance) < 6 < 3 * math.sqrt(variance + math.sqrt(0.1)) < 7  # the published radius adds √0.1
    places = [-7.1, -6.9, 24, 54.9, 55.1]
    scene = gaussians([[(x - 24) * 20 / 400, 0, 20] for x in places], scale=0.095)
    kept = project(scene, camera_at_origin(focal=400))
    assert sorted(kept.index.tolist()) == [1, 2, 3]
    assert kept.radius.unique().tolist() == [7]


def test_depth_order(seed: int) -> None:
    projected = project(random_scene(seed, 100), camera_at_origin())
    assert (projected.depth.diff() >= 0).all()


def test_alpha_is_clamped() -> None:
    scene = gaussians([[0, 0, 2]], scale=30.0, opacity=1.0)
    assert float(render(scene, camera_at_origin())[16, 24, 0]) == pytest.approx(0.99, abs=1e-5)
    assert float(render(scene, camera_at_origin(), rules=GSPLAT)[16, 24, 0]) == pytest.approx(0.999, abs=1e-5)


def test_spherical_harmonics(seed: int) -> None:
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=(50, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    for degree in range(4):
        sh = rng.normal(size=(50, (degree + 1) ** 2, 3))
        wanted = np.maximum(0, 0.5 + (real_harmonics(direction, degree)[..., None] * sh).sum(axis=1))
        got = spherical_harmonics(torch.from_numpy(sh).float(), torch.from_numpy(direction).float())
        assert np.abs(got.numpy() - wanted).max() < 1e-5


def test_rotation_matrix() -> None:
    half = math.sqrt(0.5)
    quarter_turns = torch.tensor([[half, half, 0, 0], [half, 0, half, 0], [half, 0, 0, half]])
    about_x, about_y, about_z = rotation_matrix(quarter_turns)
    x, y, z = torch.eye(3)
    for matrix, vector, turned in ((about_x, y, z), (about_y, z, x), (about_z, x, y)):
        assert torch.allclose(matrix @ vector, turned, atol=1e-6)


@pytest.mark.parametrize("rules", [Rules(), GSPLAT], ids=["inria", "gsplat"])
@pytest.mark.parametrize(("opaque", "mip"), [(False, False), (True, False), (False, True)])
def test_brute_force_agrees(seed: int, rules: Rules, opaque: bool, mip: bool) -> None:
    scene = replace(random_scene(seed + opaque, 40, opaque=opaque), mip=mip)
    camera = camera_at_origin(36, 20, 24.0)
    wanted, sure = brute_force.render(scene, camera, rules, 0.4)
    image = render(scene, camera, rules=rules, background=0.4).double().numpy()
    assert image.shape == (20, 36, 3)
    assert sure.mean() > 0.98
    assert np.abs(image - wanted)[sure].max() < 1e-4
    assert image.std() > 0.05


@pytest.mark.parametrize("far", [1e5, 1e7])
def test_coordinates_of_millions_change_nothing(seed: int, far: float) -> None:
    scene, camera = random_scene(seed, 60), camera_at_origin()
    moved = camera.world_to_camera.copy()
    place = far * np.array([1, -0.3, 0.7])
    moved[:3, 3] = -place
    image = render(replace(scene, means=scene.means + place), replace(camera, world_to_camera=moved))
    assert psnr(image, render(scene, camera)) > 100


@pytest.mark.parametrize("case", ["tiny", "basic"])
def test_images_of_the_cuda_rasteriser(real_data: Path, case: str) -> None:
    data = load_file(real_data / "gsplat_cases" / f"brush-train_test_cases_{case}_case.safetensors")
    height, width, _ = data["out_img"].shape
    focal = 0.5 * width / math.tan(math.radians(45))
    pose = np.eye(4)
    pose[:3, 3] = [-0.123, -0.456, 8]
    camera = Camera(width=width, height=height, fx=focal, fy=focal, cx=width / 2, cy=height / 2, world_to_camera=pose)
    scene = Scene(
        name=case,
        means=data["means"].numpy(),
        scales=data["scales"].exp().numpy(),
        quaternions=torch.nn.functional.normalize(data["quats"], dim=-1).numpy(),
        opacities=data["opacities"].sigmoid().numpy(),
        sh=data["coeffs"].numpy(),
    )
    projected = project(scene, camera, GSPLAT)
    index = projected.index
    assert sorted(index.tolist()) == list(range(len(scene)))
    assert torch.allclose(projected.mean, data["xys"][index], atol=1e-4)
    assert torch.allclose(projected.depth, data["depths"][index], atol=1e-6)
    assert torch.allclose(projected.conic, data["conics"][index], rtol=1e-4, atol=1e-6)

    black, white = (render(scene, camera, rules=GSPLAT, background=b) for b in (0.0, 1.0))
    assert psnr(black, data["out_img"][..., :3]) > 60
    assert psnr(1 - (white - black)[..., 0], data["out_img"][..., 3]) > 60


def test_a_real_scene_is_drawn(real_data: Path) -> None:
    scene = load_scene(real_data / "scenes" / "skull.ply")
    image = render(scene, orbit(scene, 0, 3, width=256, height=256))
    assert torch.isfinite(image).all()
    assert float(image.min()) >= 0
    assert float(image.mean()) == pytest.approx(0.1667, abs=0.002)
    assert float((image.sum(-1) > 0.1).float().mean()) > 0.3
