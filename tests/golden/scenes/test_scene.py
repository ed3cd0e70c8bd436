"""What `make_scene` checks, drops and normalises, whatever the container."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden.errors import InputError
from golden.scenes.scene import MAX_ABS_LOG_SCALE, make_scene, sigmoid
from tests.golden.scenes.checks import assert_sound


def arrays(count: int = 4, **changed: Any) -> dict[str, Any]:
    good = {
        "means": np.zeros((count, 3), np.float32),
        "log_scales": np.zeros((count, 3), np.float32),
        "quaternions": np.tile(np.float32([1, 0, 0, 0]), (count, 1)),
        "opacities": np.full(count, 0.5, np.float32),
        "sh": np.zeros((count, 4, 3), np.float32),
    }
    return good | changed


def test_good_arrays_pass() -> None:
    scene = make_scene("x", **arrays())
    assert_sound(scene)
    assert (len(scene), scene.sh_degree, scene.dropped) == (4, 1, 0)


BROKEN = [(n, v) for n in ("means", "quaternions", "opacities", "sh") for v in (np.nan, np.inf, -np.inf)]


@pytest.mark.parametrize(("name", "value"), [*BROKEN, ("log_scales", np.nan), ("log_scales", np.inf)])
def test_not_finite_is_dropped(name: str, value: float) -> None:
    given_arrays = arrays()
    given_arrays["means"][:, 0] = [0, 1, 2, 3]
    given_arrays[name].reshape(4, -1)[1, -1] = value
    scene = make_scene("x", **given_arrays)
    assert_sound(scene)
    assert scene.dropped == 1
    assert scene.means[:, 0].tolist() == [0, 2, 3]


def test_a_signalling_nan_is_dropped_without_a_warning() -> None:
    quaternions = np.tile(np.float32([1, 0, 0, 0]), (4, 1))
    quaternions.view(np.uint32)[1, 3] = 0x7F800001
    assert make_scene("x", **arrays(quaternions=quaternions)).dropped == 1


def test_scale_limits() -> None:
    log_scales = np.zeros((4, 3), np.float32)
    log_scales[:, 2] = [MAX_ABS_LOG_SCALE, -MAX_ABS_LOG_SCALE, 40.1, -40.1]
    scene = make_scene("x", **arrays(log_scales=log_scales))
    assert_sound(scene)
    assert scene.dropped == 1


def test_flat_gaussians_are_kept_at_the_smallest_scale() -> None:
    log_scales = np.zeros((4, 3), np.float32)
    log_scales[1, 2], log_scales[2], log_scales[3, 0] = -np.inf, -np.inf, -3e38
    scene = make_scene("x", **arrays(log_scales=log_scales))
    assert_sound(scene)
    assert scene.dropped == 0
    smallest = np.exp(-MAX_ABS_LOG_SCALE)
    wanted = [[1, 1, 1], [1, 1, smallest], [smallest] * 3, [smallest, 1, 1]]
    assert np.allclose(scene.scales, wanted, rtol=1e-6, atol=0)


@pytest.mark.parametrize(("opacity", "shown"), [(1.5, "1.5"), (-0.25, "-0.25")])
def test_opacity_outside_0_to_1_is_refused(opacity: float, shown: str) -> None:
    values = np.float32([0.5, 0.5, opacity, 0.5])
    with pytest.raises(InputError, match=rf"^x: opacity must lie in \[0, 1\], Gaussian 2 has {shown}$"):
        make_scene("x", **arrays(opacities=values))


def test_zero_quaternions_are_dropped_with_what_is_not_finite() -> None:
    changed = arrays()
    changed["means"][:, 0] = [np.nan, 1, 2, 3]
    changed["quaternions"][2] = 0
    scene = make_scene("x", **changed)
    assert_sound(scene)
    assert (scene.dropped, scene.means[:, 0].tolist()) == (2, [1, 3])


def test_nothing_left_is_refused() -> None:
    with pytest.raises(InputError, match="needs at least one Gaussian, the file holds 0"):
        make_scene("x", **arrays(0))
    with pytest.raises(InputError, match="every Gaussian must be finite, all 4"):
        make_scene("x", **arrays(means=np.full((4, 3), np.nan, np.float32)))
    with pytest.raises(InputError, match=r"or a zero rotation$"):
        make_scene("x", **arrays(quaternions=np.zeros((4, 4), np.float32)))


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=4, max_size=4))
def test_any_other_quaternion_becomes_a_unit(values: list[float]) -> None:
    if any(values):
        assert_sound(make_scene("x", **arrays(1, quaternions=np.float32([values]))))


def test_select() -> None:
    changed = arrays()
    changed["means"][:, 0] = [0, 1, 2, 3]
    scene = make_scene("x", **changed, mip=True)
    assert scene.select(np.array([3, 1])).mip
    assert scene.select(np.array([3, 1])).means[:, 0].tolist() == [3, 1]
    assert scene.select(scene.means[:, 0] > 1.5).means[:, 0].tolist() == [2, 3]


def test_sigmoid() -> None:
    x = np.float32([-np.inf, -1e30, -3, 0, 3, 1e30, np.inf, np.nan])
    wanted = [0, 0, 0.04742587, 0.5, 0.95257413, 1, 1, np.nan]
    assert np.allclose(sigmoid(x), wanted, atol=1e-7, equal_nan=True)
    assert sigmoid(x).dtype == np.float32
