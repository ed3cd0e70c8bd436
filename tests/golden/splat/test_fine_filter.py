"""Every block of the fine filter against its formula in double precision, with its error.

The bounds are those of the default formats; worst cases that were seen stand beside them.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from golden.splat.conic import conic
from golden.splat.covariance import covariance, scales
from golden.splat.depth_key import depth_key
from golden.splat.fine_filter import fine_filter
from golden.splat.projection import projection, scaled_centre
from golden.splat.spec import COVARIANCE_FRACTION, COVARIANCE_WIDTH, DEFAULT, SCALE_BIAS
from golden.splat.view_rotation import view_rotation
from tests.golden.splat import exact
from tests.golden.splat.cases import CASES, case, inputs


@given(a=st.integers(-(2**31), 2**31 - 1), b=st.integers(-(2**31), 2**31 - 1))
def test_depth_keys_order_as_depths_do(a: int, b: int) -> None:
    """Keys never fall, rise with the 15 leading bits, and are 0 behind the camera."""
    key_a, key_b = depth_key(torch.tensor([a, b]), DEFAULT).tolist()
    assert 0 <= key_a < 1 << DEFAULT.depth_bits
    if a <= b:
        assert key_a <= key_b
    if a <= 0:
        assert key_a == 0
    if a > 0 and b > a * (1 + 2.0**-14):  # 15 bits of mantissa
        assert key_a < key_b


@pytest.mark.parametrize("name", CASES)
def test_projection(name: str, seed: int) -> None:
    """1/z, tangents and centre within the error of their tables and roundings."""
    v, candidates, p = inputs(name, seed)
    inverse = p.reciprocal.double() * 2.0 ** (p.zeros.double() - 14 - v.spec.mantissa_bits)
    assert float((inverse * exact.point(candidates.point)[:, 2] - 1).abs().max()) < 2.5 * 2.0**-16
    tangent = exact.tangent(candidates.point)
    off = p.tangent.double() * 2.0**-16 - tangent.clip(-2, 2)
    assert float(off.abs().max()) < 8 * 2.0**-16
    beyond = exact.mean(candidates.point, v.frame, v.middle, v.spec)
    off = p.mean.double() * v.spec.mean_format.step - beyond.clip(-(2**18), 2**18)
    allowed = 4 * 2.0**-16 * (tangent * exact.focal(v.frame, v.spec)).abs() + v.spec.mean_format.step
    assert bool((off.abs() < allowed).all())


def test_centres_of_any_distance(seed: int) -> None:
    """From 2**-16 of a tangent to 2**30: each within its relative error, and at the format's end what lies beyond."""
    v = case("far")
    generator = torch.Generator().manual_seed(seed)
    depth = torch.randint(1, 1 << 31, (20_000,), generator=generator)
    point = torch.randint(-(1 << 31), 1 << 31, (20_000, 3), generator=generator)
    point[:, 2] = depth
    point >>= torch.randint(0, 31, (20_000, 3), generator=generator)
    point[:, 2].clip_(1)
    point[:4, :2] = torch.tensor([0, 1, -1, -(1 << 31)])[:, None]
    p = projection(point, v.frame, v.middle, v.spec)
    wanted = exact.mean(point, v.frame, v.middle, v.spec)
    off = p.mean.double() * v.spec.mean_format.step - wanted.clip(-(2**18), 2**18)
    allowed = 4 * 2.0**-16 * (wanted.abs().clip(max=2**18) + 4096) + v.spec.mean_format.step
    assert bool((off.abs() < allowed).all())
    centre, exponent = scaled_centre(p.mean, v.spec)
    back = exact.centre(centre, exponent, v.spec)
    step = 2.0 ** exponent[:, None].double() * v.spec.mean_format.step
    lost = p.mean.double() * v.spec.mean_format.step - back
    assert bool(((lost >= 0) & (lost < step)).all())
    assert exponent.unique().tolist() == list(range(v.spec.furthest + 1))
    assert int(centre.max()) == v.spec.centre_format.high
    assert int(centre.min()) == v.spec.centre_format.low


@pytest.mark.parametrize("name", CASES)
def test_view_rotation(name: str, seed: int) -> None:
    """The matrix of the product of both quaternions, within 4 steps."""
    v, candidates, _ = inputs(name, seed)
    quaternion = v.records(candidates, "quaternion")
    got = view_rotation(quaternion, v.frame, v.spec).double() * 2.0**-16
    assert float((got - exact.view_rotation(quaternion, v.frame, v.spec)).abs().max()) < 4 * 2.0**-16  # 3.2


@pytest.mark.parametrize("name", CASES)
def test_scales(name: str, seed: int) -> None:
    """Three scales on the exponent of the largest: cut by less than one step, rounded by half of one."""
    v, candidates, _ = inputs(name, seed)
    code = v.records(candidates, "scale")
    mantissa, exponent = scales(code, v.spec)
    assert int(mantissa.amax(-1).min()) >= 1 << 16
    wanted = exact.scale(code, v.spec) * 2.0 ** (SCALE_BIAS + 16 - exponent[:, None].double())
    assert float((mantissa - wanted).abs().max()) < 1.5


@pytest.mark.parametrize("name", CASES)
def test_covariance(name: str, seed: int) -> None:
    """Within 2**-10 of the larger variance, and 2**-9 px² where the dilation is larger than the Gaussian."""
    v, candidates, p = inputs(name, seed)
    rotation = view_rotation(v.records(candidates, "quaternion"), v.frame, v.spec)
    mantissa, exponent = scales(v.records(candidates, "scale"), v.spec)
    scale = mantissa.double() * 2.0 ** (exponent[:, None].double() - 16 - SCALE_BIAS)
    got = exact.pixels_squared(*covariance(rotation, mantissa, exponent, p, v.frame, v.spec))
    wanted = exact.covariance(rotation, scale, p, v.frame, v.spec)
    larger = wanted.amax(-1, keepdim=True)
    assert bool(((got - wanted).abs() < 2.0**-10 * larger + 2.0**-9).all())  # 13.3 · 2**-14, 7 · 2**-12
    assert float(got[:, [0, 2]].min()) >= round(0.3 * (1 << COVARIANCE_FRACTION)) / (1 << COVARIANCE_FRACTION)


def test_covariances_of_any_size() -> None:
    """Standard deviations from 700 px on may be kept on a power of two, up to 4 million px; beyond, they shrink."""
    v, candidates, p = inputs("close", 1)
    rotation = view_rotation(v.records(candidates, "quaternion"), v.frame, v.spec)
    mantissa, _ = scales(v.records(candidates, "scale"), v.spec)
    seen: set[int] = set()
    for up in range(-1, 12):
        code = torch.full((len(candidates),), SCALE_BIAS + up)
        cov, doublings = covariance(rotation, mantissa, code, p, v.frame, v.spec)
        wanted = exact.covariance(rotation, mantissa * 2.0 ** (up - 16), p, v.frame, v.spec)
        larger = wanted.amax(-1, keepdim=True)
        fits = larger[:, 0] < 2.0**43
        off = (exact.pixels_squared(cov, doublings) - wanted).abs() / larger
        assert float(off[fits].max()) < 2.0**-9
        assert int(cov[:, [0, 2]].max()) < 1 << COVARIANCE_WIDTH
        assert not bool((doublings[larger[:, 0] < 700**2] > 0).any())
        seen |= set(doublings.tolist())
    assert seen >= set(range(8))


@pytest.mark.parametrize("name", CASES)
def test_conic(name: str, seed: int) -> None:
    """Relative error within 3 · 2**-16 of the covariance's condition; the determinant's sign is never wrong."""
    v, candidates, p = inputs(name, seed)
    rotation = view_rotation(v.records(candidates, "quaternion"), v.frame, v.spec)
    cov, doublings = covariance(rotation, *scales(v.records(candidates, "scale"), v.spec), p, v.frame, v.spec)
    mantissa, shift, positive = conic(cov, doublings, v.spec)
    xx, xy, yy = exact.pixels_squared(cov, doublings).unbind(-1)
    condition = (xx + yy) ** 2 / (xx * yy - xy * xy)
    assert bool(positive[condition < 2**14].all())
    assert int(shift[positive].min()) >= 1
    assert int(shift[positive].max()) < 1 << 6
    assert int(mantissa[positive][:, [0, 2]].amax(-1).min()) >= 1 << (v.spec.mantissa_bits - 1)
    wanted = exact.conic(exact.pixels_squared(cov, doublings))
    got = mantissa.double() * 2.0 ** -shift.double()[:, None]
    off = ((got - wanted) / wanted.amax(-1, keepdim=True)).abs().amax(-1)
    assert bool((off < 3 * 2.0**-16 * condition)[positive].all())  # 2.2


def test_a_line_is_no_splat() -> None:
    """A covariance whose determinant is 0 or, by rounding, below, is not positive."""
    one = 1 << COVARIANCE_FRACTION
    lines = torch.tensor([[one, one, one], [one, -one, one], [100 * one, 10 * one, one], [one, 2 * one, one]])
    none = torch.zeros(4, dtype=torch.int64)
    assert conic(lines, none, DEFAULT)[2].tolist() == [False] * 4
    assert conic(torch.tensor([[one, 0, one]]), none[:1], DEFAULT)[2].tolist() == [True]


@pytest.mark.parametrize("name", CASES)
def test_only_what_touches_the_group_is_kept(name: str) -> None:
    """Splats keep their order of arrival and touch a sub-tile each."""
    v = case(name)
    candidates = v.candidates(v.middle)
    splats = fine_filter(candidates, v.image, v.frame, v.middle, v.spec)
    assert bool(splats.mask.any(-1).all())
    places = candidates.place.tolist()
    kept = splats.place.tolist()
    assert kept == [place for place in places if place in set(kept)]  # in order of arrival
    assert np.array_equal(splats.opacity.numpy(), v.image.opacity[kept])
