"""`.splat` files against what was written."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from golden.scenes import load_scene
from tests.golden.scenes.checks import assert_same, assert_sound, load_bytes, quaternion_gap
from tests.golden.scenes.writers import SH_C0, random_cloud, splat_bytes

QUATERNION_STEP = 2.5 / 128  # 1.0 has no byte, it becomes 127 of 128: up to a step there, half a step elsewhere


def test_round_trip(tmp_path: Path, seed: int) -> None:
    cloud = random_cloud(seed, 41, 0)
    assert_same(
        load_bytes(tmp_path, "a.splat", splat_bytes(cloud)),
        cloud,
        quaternions=QUATERNION_STEP,
        opacities=0.5 / 255 + 1e-6,
        sh_0=0.5 / 255 / SH_C0 + 1e-6,
    )


def test_a_scale_of_zero_is_a_disc(tmp_path: Path, seed: int) -> None:
    cloud = random_cloud(seed, 5, 0)
    cloud.log_scales[1, 2] = cloud.log_scales[4, 0] = -np.inf
    scene = load_bytes(tmp_path, "flat.splat", splat_bytes(cloud))
    assert_sound(scene)
    assert (len(scene), scene.dropped) == (5, 0)
    assert max(scene.scales[1, 2], scene.scales[4, 0]) < 1e-15


def test_quaternion_bytes_are_centred_on_128(tmp_path: Path, seed: int) -> None:
    data = bytearray(splat_bytes(random_cloud(seed, 3, 0)))
    data[28:32], data[60:64], data[92:96] = bytes([255, 128, 128, 128]), bytes([128, 0, 128, 128]), bytes([160] * 4)
    scene = load_bytes(tmp_path, "a.splat", bytes(data))
    assert scene.quaternions.tolist() == [[1, 0, 0, 0], [0, -1, 0, 0], [0.5, 0.5, 0.5, 0.5]]


def test_both_containers_of_a_real_scene_agree(real_data: Path) -> None:
    ply, splat = (load_scene(real_data / "scenes" / f"lastchance.{kind}") for kind in ("ply", "splat"))
    assert len(ply) == len(splat) == 14007
    assert ply.dropped == splat.dropped == 0
    assert np.abs(ply.means - splat.means).max() <= 1e-6
    assert np.abs(np.log(ply.scales) - np.log(splat.scales)).max() <= 1e-5
    assert np.abs(ply.opacities - splat.opacities).max() <= 0.5 / 255 + 1e-6
    assert np.abs(ply.sh - splat.sh).max() <= 0.5 / 255 / SH_C0 + 1e-6
    assert quaternion_gap(ply.quaternions, splat.quaternions) <= QUATERNION_STEP
