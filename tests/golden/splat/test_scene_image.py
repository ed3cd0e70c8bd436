"""What a scene loses when it is quantised."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from golden.errors import InputError
from golden.scenes.scene import SH_C0
from golden.scenes.voxels import choose_edge, voxelise
from golden.splat.extents import extents
from golden.splat.frame import build_frame
from golden.splat.model import render
from golden.splat.scene_image import (
    DEFAULT_CROWD,
    SH_CONSTANTS,
    bounding_radius,
    build_scene_image,
    count_clipped,
    radius_code,
    radius_value,
    scene_edge,
    support_sigmas,
)
from golden.splat.spec import COVARIANCE_FRACTION, DEFAULT, MIN_ALPHA, RADIUS_BIAS, SCALE_BIAS, TINY, Spec
from tests.golden.spherical import real_harmonics
from tests.golden.splat.scenes import camera_at, random_scene, scene_of
from tests.golden.splat.views import known_image, known_scene

SPECS = [DEFAULT, TINY, replace(DEFAULT, quaternion_bits=8, scale_fraction=5, scale_bits=10, opacity_bits=8, sh_bits=6)]


@given(radius=st.floats(2.0**-RADIUS_BIAS, 4000.0))
def test_radius_is_bounded_from_above(radius: float) -> None:
    """The code is the smallest upper bound; one step of a mantissa of 6 bits is at most 1.6 %."""
    code = radius_code(np.array([radius]))
    value = radius_value(code)[0]
    assert radius <= value <= radius * (1 + 1 / 64)
    assert code[0] == 0 or radius_value(code - 1)[0] < radius


def test_radius_codes_rise() -> None:
    codes = np.arange(1 << 11)
    values = radius_value(codes)
    assert (np.diff(values) > 0).all()
    assert np.array_equal(radius_code(values), codes)
    assert radius_code(np.array([0.0, 2.0**-30, 1e9])).tolist() == [0, 0, (1 << 11) - 1]


@given(opacity=st.floats(0, 1))
def test_support_ends_where_alpha_is_too_small(opacity: float) -> None:
    sigmas = support_sigmas(np.array([opacity]))[0]
    if opacity < MIN_ALPHA:
        assert sigmas == 0
    else:
        assert opacity * np.exp(-(sigmas**2) / 2) == pytest.approx(MIN_ALPHA, rel=1e-9)


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("source", ["embedded", "random"])
def test_every_field_is_the_nearest_code(source: str, spec: Spec, seed: int) -> None:
    """Decoded fields lie within half a step of the scene's; positions are cut, within one."""
    scene = known_scene("embedded") if source == "embedded" else random_scene(seed, 3000)
    image = known_image("embedded", spec) if source == "embedded" else build_scene_image(scene, spec)
    grid, kept = image.grid, scene.select(image.grid.order)
    half = 0.5 + 1e-5  # the scene is float32

    cut = (grid.position - np.repeat(grid.index, grid.count, axis=0)) * 2.0**spec.position_bits - image.offset
    assert (cut >= 0).all()
    assert (cut <= 1).all()

    one = 2.0 ** (spec.quaternion_bits - 1)
    turned = kept.quaternions.astype(np.float64) * one
    assert np.abs(image.quaternion - turned.clip(-one, one - 1)).max() <= half

    scale = kept.scales.astype(np.float64) / grid.edge
    assert np.abs(image.scale - (np.log2(scale) + SCALE_BIAS) * 2.0**spec.scale_fraction).max() <= half
    opacity = -np.log2(kept.opacities.astype(np.float64)) * 2.0**spec.opacity_fraction
    assert np.abs(image.opacity - opacity.clip(max=(1 << spec.opacity_bits) - 1)).max() <= half
    ends = -(1 << (spec.dc_bits - 1)), (1 << (spec.dc_bits - 1)) - 1
    dc = (0.5 + SH_C0 * kept.sh[:, 0].astype(np.float64)) * 2.0**spec.dc_fraction
    assert np.abs(image.dc - dc.clip(*ends)).max() <= half

    reach = bounding_radius(scale.max(axis=1), kept.opacities.astype(np.float64), spec)
    value = radius_value(image.radius)
    assert (value >= reach * (1 - 1e-12)).all()
    assert (value <= np.maximum(reach * (1 + 1 / 64), 2.0**-RADIUS_BIAS)).all()


@pytest.mark.parametrize("spec", SPECS)
def test_bounding_radius_holds_the_codes(spec: Spec, seed: int) -> None:
    """At least what `extents` makes of the codes of a line seen from the side, and not much above the support."""
    rng = np.random.default_rng(seed)
    opacity = 2.0 ** rng.uniform(np.log2(MIN_ALPHA), 0, 4000)
    variance = np.rint(2.0 ** rng.uniform(14, 30, 4000)).astype(np.int64)  # of 4 to 2**18 px²
    code = np.rint(-np.log2(opacity) * 2.0**spec.opacity_fraction).clip(max=(1 << spec.opacity_bits) - 1)
    cov = torch.from_numpy(variance)[:, None] * torch.tensor([1, 0, 0])
    seen = extents(cov, torch.zeros(4000, dtype=torch.int64), torch.from_numpy(code).long(), spec)[:, 0].numpy()
    size = np.sqrt(variance / 2.0**COVARIANCE_FRACTION)
    radius = bounding_radius(size, opacity, spec)
    assert (seen * spec.mean_format.step <= radius + 1.01 * spec.mean_format.step).all()
    clear = opacity > 0.1
    assert (radius <= 1.12 * size * support_sigmas(opacity))[clear].all()


@pytest.mark.parametrize("spec", SPECS)
def test_coefficients_share_the_finest_exponent_that_fits(spec: Spec, seed: int) -> None:
    scene = random_scene(seed, 2000)
    scene.sh[:, 1:] *= np.float32(10.0) ** np.random.default_rng(seed).uniform(-4, 0.1, (2000, 1, 1)).astype(np.float32)
    image = build_scene_image(scene, spec)
    rest = spec.rest_coefficients
    sh = scene.select(image.grid.order).sh[:, 1 : 1 + rest].astype(np.float64) * SH_CONSTANTS[:rest, None]
    step = 2.0 ** -(spec.sh_bits - 1 + image.sh_exponent - 3.0)[:, None, None]
    assert (np.abs(image.sh * step - sh) <= step * (0.5 + 1e-6)).all()
    finer = np.abs(sh / (step / 2)).max(axis=(1, 2))
    assert (finer[image.sh_exponent < 15] > (1 << (spec.sh_bits - 1)) - 0.6).all()
    assert len(np.unique(image.sh_exponent)) > 8


@pytest.mark.parametrize("spec", SPECS)
def test_clipped_colours_are_counted(spec: Spec, seed: int) -> None:
    """A Gaussian is counted if and only if a code lies more than half a step from its value."""
    rng = np.random.default_rng(seed)
    scene = random_scene(seed, 2000)
    scene.sh[:, 0] = rng.uniform(-12, 12, (2000, 3)) * (rng.random((2000, 1)) < 0.5)
    scene.sh[:, 1:] *= np.float32(10.0) ** rng.uniform(-1, 1.5, (2000, 1, 1)).astype(np.float32)
    image = build_scene_image(scene, spec)
    kept, rest = scene.select(image.grid.order), spec.rest_coefficients
    dc = (0.5 + SH_C0 * kept.sh[:, 0].astype(np.float64)) * 2.0**spec.dc_fraction
    sh = kept.sh[:, 1 : 1 + rest].astype(np.float64) * SH_CONSTANTS[:rest, None]
    codes = sh * 2.0 ** (spec.sh_bits - 1 + image.sh_exponent - 3.0)[:, None, None]
    far = (np.abs(dc - image.dc) > 0.5 + 1e-9).any(axis=1) | (np.abs(codes - image.sh) > 0.5 + 1e-9).any(axis=(1, 2))
    assert count_clipped(scene, spec) == far.sum()
    assert 100 < far.sum() < len(kept) - 100


def test_real_colours_are_not_clipped() -> None:
    assert count_clipped(known_scene("embedded"), DEFAULT) == 0


def test_folded_constants_are_those_of_the_harmonics(seed: int) -> None:
    direction = np.random.default_rng(seed).normal(size=(50, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    x, y, z = direction.T
    bare = [
        y, z, x,
        x * y, y * z, 2 * z * z - x * x - y * y, x * z, x * x - y * y,
        y * (3 * x * x - y * y), x * y * z, y * (4 * z * z - x * x - y * y), z * (2 * z * z - 3 * x * x - 3 * y * y),
        x * (4 * z * z - x * x - y * y), z * (x * x - y * y), x * (x * x - 3 * y * y),
    ]  # fmt: skip
    assert np.abs(np.stack(bare, 1) * SH_CONSTANTS - real_harmonics(direction, 3)[:, 1:]).max() < 1e-9


@pytest.mark.parametrize(
    ("scene_degree", "spec", "degree"), [(0, DEFAULT, 0), (2, DEFAULT, 2), (3, TINY, 1), (1, TINY, 1)]
)
def test_degree_is_the_lower_of_scene_and_spec(scene_degree: int, spec: Spec, degree: int) -> None:
    image = build_scene_image(random_scene(1, 50, degree=scene_degree), spec)
    assert image.sh_degree == degree
    assert image.sh.shape == (len(image), (degree + 1) ** 2 - 1, 3)
    assert (image.sh_exponent == 0).all() == (degree == 0)


def test_a_scene_of_more_gaussians_than_ranks_is_refused() -> None:
    spec = replace(TINY, rank_bits=6)
    assert int(build_scene_image(random_scene(2, 64), spec).rank.max()) == 63
    with pytest.raises(InputError, match="a scene may hold at most 64 Gaussians, this one holds 65"):
        build_scene_image(random_scene(2, 65), spec)


def test_transparent_gaussians_are_left_out_and_counted() -> None:
    scene = random_scene(3, 400)
    scene.opacities[::3] = MIN_ALPHA * 0.999
    scene.opacities[1] = MIN_ALPHA
    image = build_scene_image(scene, DEFAULT)
    visible = np.flatnonzero(scene.opacities >= MIN_ALPHA)
    assert image.transparent == 400 - len(visible) >= 134
    assert np.array_equal(np.sort(image.grid.order), visible)


@pytest.mark.parametrize("spread", [0.0, 1e-4, 1.0])
@pytest.mark.parametrize("count", [1, 5, 500])
@pytest.mark.parametrize("widest", [0.5, 1e6])
def test_the_voxel_edge_lets_everything_fit(count: int, spread: float, widest: float) -> None:
    """Also where Gaussians lie so close together, or alone, that their crowd asks for no edge, and for a giant."""
    scales = np.tile([0.5, 0.02, 0.001], (count, 1))
    scales[0] = widest
    scene = scene_of(np.random.default_rng(0).uniform(-spread, spread, (count, 3)), scales, 0.99)
    image = build_scene_image(scene, DEFAULT)
    sizes = scales[image.grid.order]
    decoded = 2.0 ** (image.scale / 2.0**DEFAULT.scale_fraction - SCALE_BIAS) * image.grid.edge
    assert np.abs(decoded / sizes - 1)[decoded > image.grid.edge * 2.0**-SCALE_BIAS].max() < 2.0**-7
    reach = sizes.max(axis=1) * support_sigmas(np.array([0.99]))
    assert (radius_value(image.radius) * image.grid.edge >= reach * (1 - 1e-6)).all()
    build_frame(image, camera_at(), DEFAULT)  # a camera a few Gaussians away is within its range


def test_voxels_with_few_gaussians_become_larger(seed: int) -> None:
    """A crowded middle gives the average Gaussian its crowd, but most voxels of a wide surface hold few: visits would
    read mostly rests of words. Where the middle is all there is, the crowd decides."""
    rng = np.random.default_rng(seed)
    middle = rng.uniform(-0.2, 0.2, (3000, 3))
    surface = np.concatenate([rng.uniform(-4, 4, (3000, 2)), np.zeros((3000, 1))], axis=1)

    def edge(means: npt.NDArray[np.float64]) -> tuple[float, float]:
        scene = scene_of(means, 0.002, 0.9)
        everything = np.arange(len(means))
        return scene_edge(scene, DEFAULT), choose_edge(scene, everything, DEFAULT_CROWD)

    def read(means: npt.NDArray[np.float64], edge: float) -> float:
        """Bytes of a visit to every voxel over those of the coarse halves."""
        count = voxelise(scene_of(means, 0.002, 0.9), np.arange(len(means)), edge).count
        return float((np.ceil(count / 8) * 64 + 16).sum() / (count * 8).sum())

    both = np.concatenate([middle, surface])
    chosen, crowded = edge(both)
    assert read(both, crowded) > read(both, chosen / 2**0.25) > 1.2 >= read(both, chosen)
    chosen, crowded = edge(middle)
    assert chosen == crowded


@pytest.mark.parametrize("spec", [DEFAULT, TINY])
def test_a_scene_of_transparent_gaussians_is_black(spec: Spec) -> None:
    scene = scene_of(np.random.default_rng(0).uniform(-1, 1, (20, 3)), 0.5, MIN_ALPHA * 0.9)
    image = build_scene_image(scene, spec)
    assert image.transparent == 20
    drawn = render(image, build_frame(image, camera_at(size=(64, 64), focal=60), spec), spec)
    assert int(drawn.image.max()) == 0
