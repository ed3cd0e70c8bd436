"""`.ksplat` files against what was written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.golden.scenes.checks import assert_same, assert_sound, load_bytes
from tests.golden.scenes.ksplat_writer import BLOCK, SH_HIGH, SH_LOW, STEPS, ksplat_bytes
from tests.golden.scenes.writers import SH_C0, Cloud, random_cloud

HALF = 2.0**-11  # a half's relative step, halved
BYTES = {"opacities": 0.5 / 255 + 1e-6, "sh_0": 0.5 / 255 / SH_C0 + 1e-6}
STEP = {
    0: BYTES,
    1: {**BYTES, "means": BLOCK / 4 / STEPS + 1e-6, "log_scales": 2 * HALF, "quaternions": 2 * HALF, "sh_rest": HALF},
    2: {
        **BYTES,
        "means": BLOCK / 4 / STEPS + 1e-6,
        "log_scales": 2 * HALF,
        "quaternions": 2 * HALF,
        "sh_rest": (SH_HIGH - SH_LOW) / 510 + 1e-6,
    },
}


@pytest.mark.parametrize("count", [1, 8, 9, 61])
@pytest.mark.parametrize("level", STEP)
def test_round_trip_of_buckets(tmp_path: Path, seed: int, level: int, count: int) -> None:
    """None full, one full, a partial one of one Gaussian, and all of these together."""
    cloud = random_cloud(seed, count, 1)
    assert_same(load_bytes(tmp_path, "a.ksplat", ksplat_bytes([cloud], level)), cloud, **STEP[level])


@pytest.mark.parametrize("degree", range(4))
@pytest.mark.parametrize("level", STEP)
def test_round_trip_of_harmonics(tmp_path: Path, seed: int, level: int, degree: int) -> None:
    cloud = random_cloud(seed, 20, degree)
    assert_same(load_bytes(tmp_path, "a.ksplat", ksplat_bytes([cloud], level)), cloud, **STEP[level])


@pytest.mark.parametrize("level", STEP)
def test_sections_follow_each_other(tmp_path: Path, seed: int, level: int) -> None:
    """One of degree 2, one of degree 0 that has room for more, whose coefficients become zeros."""
    first, second = random_cloud(seed, 13, 2), random_cloud(seed + 1, 10, 0)
    sh = np.concatenate([first.sh, np.pad(second.sh, ((0, 0), (0, 8), (0, 0)))])
    both = {
        name: np.concatenate([getattr(first, name), getattr(second, name)])
        for name in ("means", "log_scales", "quaternions", "opacities")
    }
    scene = load_bytes(tmp_path, "a.ksplat", ksplat_bytes([first, second], level, room=3))
    assert_same(scene, Cloud(**both, sh=sh), **STEP[level])


def test_ranges_that_are_not_named(tmp_path: Path, seed: int) -> None:
    """0 in the header stands for ±1.5 of coefficients and 32,767 steps of positions."""
    cloud = random_cloud(seed, 12, 1)
    data = bytearray(ksplat_bytes([cloud], 2))
    data[36:44] = bytes(8)
    data[4096 + 24 : 4096 + 28] = bytes(4)
    scene = load_bytes(tmp_path, "a.ksplat", bytes(data))
    expected = (cloud.sh[:, 1:] - SH_LOW) / (SH_HIGH - SH_LOW) * 3 - 1.5
    assert np.abs(scene.sh[:, 1:] - expected).max() < 1.5 / 255 + 1e-6
    assert np.abs(scene.means - cloud.means).max() < STEP[1]["means"]


def test_what_cannot_be_drawn_is_dropped(tmp_path: Path, seed: int) -> None:
    cloud = random_cloud(seed, 9, 0)
    cloud.log_scales[2, 1] = -np.inf
    cloud.means[4, 0] = np.nan
    cloud.quaternions[5] = 0
    scene = load_bytes(tmp_path, "a.ksplat", ksplat_bytes([cloud], 0))
    assert_sound(scene)
    assert (len(scene), scene.dropped) == (7, 2)
    assert scene.scales[2, 1] < 1e-15
