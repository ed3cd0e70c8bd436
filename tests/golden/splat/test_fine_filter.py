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
from golden.splat.projection import projection
from golden.splat.spec import COVARIANCE_FRACTION, DEFAULT, SCALE_BIAS
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
    assert float((inverse * exact.point(candidates.point)[:, 2] - 1).abs().max()) < 4 * 2.0**-16  # 2.9
    off = p.tangent.double() * 2.0**-16 - exact.tangent(candidates.point)
    assert float(off.abs().max()) < 8 * 2.0**-16  # 5.6
    off = p.mean.double() * v.spec.mean_format.step - exact.mean(candidates.point, v.frame, v.middle, v.spec)
    allowed = 8 * 2.0**-16 * exact.focal(v.frame, v.spec) + v.spec.mean_format.step
    assert bool((off.abs() < allowed).all())


@pytest.mark.parametrize("name", CASES)
def test_what_is_no_valid_projection(name: str) -> None:
    """Tangents of 2 or more, or a centre outside its format; and nothing else."""
    v = case(name)
    candidates = v.everything(v.middle)
    p = projection(candidates.point, v.frame, v.middle, v.spec)
    tangent = exact.tangent(candidates.point).abs().amax(-1)
    mean = exact.mean(candidates.point, v.frame, v.middle, v.spec).abs().amax(-1)
    assert not bool(p.valid[tangent >= 2].any())
    assert bool(p.valid[(tangent < 2) & (mean < 4095)].all())
    assert not bool(p.valid[mean > 4097].any())
    assert int(p.tangent.abs().max()) <= 1 << 17


def test_a_centre_outside_its_format_is_not_valid() -> None:
    """Centres that would wrap around: at 3000 px of focal length 4096 px are a tangent of 1.365."""
    v = case("far")
    depth = 1 << 20
    tangents = [0.0, 1.3, -1.3, 1.35, 1.38, -1.4, 1.99, 2.0]
    point = torch.tensor([[round(t * depth), 0, depth] for t in tangents])
    for order, centre in (([0, 1, 2], v.middle.centre_x), ([1, 0, 2], v.middle.centre_y)):
        wanted = [abs(3000 * t + centre * v.spec.mean_format.step) < 4096 and t < 2 for t in tangents]
        assert 3 <= sum(wanted) <= 4
        assert projection(point[:, order], v.frame, v.middle, v.spec).valid.tolist() == wanted


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
    got = exact.pixels_squared(covariance(rotation, mantissa, exponent, p, v.frame, v.spec))
    wanted = exact.covariance(rotation, scale, p, v.frame, v.spec)
    larger = wanted.amax(-1, keepdim=True)
    assert float(larger.max()) < 2**22  # px²; above, a covariance is shrunk
    assert bool(((got - wanted).abs() < 2.0**-10 * larger + 2.0**-9).all())  # 13.3 · 2**-14, 7 · 2**-12
    assert float(got[:, [0, 2]].min()) >= round(0.3 * (1 << COVARIANCE_FRACTION)) / (1 << COVARIANCE_FRACTION)


def test_a_covariance_beyond_its_format_keeps_its_shape() -> None:
    """Standard deviations of more than 2048 px come out smaller, 360 px at the least, by one factor for both axes."""
    v, candidates, p = inputs("close", 1)
    rotation = view_rotation(v.records(candidates, "quaternion"), v.frame, v.spec)
    mantissa, _ = scales(v.records(candidates, "scale"), v.spec)
    usual, huge = (
        exact.pixels_squared(
            covariance(rotation, mantissa, torch.full((len(candidates),), SCALE_BIAS + up), p, v.frame, v.spec)
        )
        for up in (-1, 11)
    )
    wanted = exact.covariance(rotation, mantissa * 2.0 ** (11 - 16), p, v.frame, v.spec)
    beyond = wanted[:, [0, 2]].amin(-1) > 2**22
    assert int(beyond.sum()) > 1000
    shrunk = (huge / wanted)[beyond]
    assert float(huge[beyond][:, [0, 2]].amax(-1).max()) < 2**22
    assert float(huge[beyond][:, [0, 2]].amax(-1).min()) > 360**2
    assert float((shrunk[:, 0] / shrunk[:, 2] - 1).abs().max()) < 0.02
    assert float(usual.max()) < 2**22


@pytest.mark.parametrize("name", CASES)
def test_conic(name: str, seed: int) -> None:
    """Relative error within 3 · 2**-16 of the covariance's condition; the determinant's sign is never wrong."""
    v, candidates, p = inputs(name, seed)
    rotation = view_rotation(v.records(candidates, "quaternion"), v.frame, v.spec)
    cov = covariance(rotation, *scales(v.records(candidates, "scale"), v.spec), p, v.frame, v.spec)
    mantissa, shift, positive = conic(cov, v.spec)
    xx, xy, yy = exact.pixels_squared(cov).unbind(-1)
    condition = (xx + yy) ** 2 / (xx * yy - xy * xy)
    assert bool(positive[condition < 2**14].all())
    assert int(shift[positive].min()) >= 1
    assert int(shift[positive].max()) < 1 << 6
    assert int(mantissa[positive][:, [0, 2]].amax(-1).min()) >= 1 << (v.spec.mantissa_bits - 1)
    wanted = exact.conic(exact.pixels_squared(cov))
    got = mantissa.double() * 2.0 ** -shift.double()[:, None]
    off = ((got - wanted) / wanted.amax(-1, keepdim=True)).abs().amax(-1)
    assert bool((off < 3 * 2.0**-16 * condition)[positive].all())  # 2.2


def test_a_line_is_no_splat() -> None:
    """A covariance whose determinant is 0 or, by rounding, below, is not positive."""
    one = 1 << COVARIANCE_FRACTION
    lines = torch.tensor([[one, one, one], [one, -one, one], [100 * one, 10 * one, one], [one, 2 * one, one]])
    assert conic(lines, DEFAULT)[2].tolist() == [False] * 4
    assert conic(torch.tensor([[one, 0, one]]), DEFAULT)[2].tolist() == [True]


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
