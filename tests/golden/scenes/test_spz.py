"""`.spz` files, versions 2 and 3, against what was written."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch

from golden.scenes.spz import FLIP_POSITION, FLIP_SH
from golden.splat.ewa import rotation_matrix, spherical_harmonics
from tests.golden.scenes.checks import assert_same, load_bytes
from tests.golden.scenes.writers import HALF_TURN, random_cloud, spz_bytes, spz_columns, spz_header
from tests.golden.spherical import real_harmonics

STEPS = {
    "means": 0.5 / (1 << 12) + 1e-6,
    "log_scales": 0.5 / 16 + 1e-5,
    "opacities": 0.5 / 255 + 1e-6,
    "sh_0": 0.5 / 255 / 0.15 + 1e-5,
    "sh_rest": 0.5 / 128 + 1e-6,
}
#: Version 2 computes w from three rounded components, which is bad where w is small.
QUATERNION_STEP = {2: 0.2, 3: 4 * np.sqrt(0.5) / 1022}


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("degree", range(4))
def test_round_trip(tmp_path: Path, seed: int, degree: int, version: int) -> None:
    cloud = random_cloud(seed, 53, degree)
    scene = load_bytes(tmp_path, "a.spz", spz_bytes(cloud, version))
    assert_same(scene, cloud, quaternions=QUATERNION_STEP[version], **STEPS)


def test_version_2_stores_quaternions_in_steps_of_1_in_127(tmp_path: Path, seed: int) -> None:
    cloud = random_cloud(seed, 200, 0)
    cloud.quaternions[:, 0] += np.sign(cloud.quaternions[:, 0])
    cloud.quaternions[:] /= np.linalg.norm(cloud.quaternions, axis=1, keepdims=True)
    scene = load_bytes(tmp_path, "a.spz", spz_bytes(cloud, 2))
    assert_same(scene, cloud, quaternions=4 * 0.5 / 127.5, **STEPS)


@pytest.mark.parametrize("fraction", [0, 7, 23])
def test_fractional_bits(tmp_path: Path, seed: int, fraction: int) -> None:
    cloud = random_cloud(seed, 20, 0)
    cloud.means[:] *= min(1.0, 0.99 * 2 ** (23 - fraction) / 5)
    data = gzip.compress(spz_header(20, 3, 0, fraction) + spz_columns(cloud, 3, fraction))
    scene = load_bytes(tmp_path, "a.spz", data)
    assert np.abs(scene.means - cloud.means).max() <= 0.5 / (1 << fraction) + 1e-6


@pytest.mark.parametrize("version", [2, 3])
def test_a_file_that_is_not_compressed(tmp_path: Path, seed: int, version: int) -> None:
    cloud = random_cloud(seed, 17, 1)
    scene = load_bytes(tmp_path, "raw.spz", gzip.decompress(spz_bytes(cloud, version)))
    assert_same(scene, cloud, quaternions=QUATERNION_STEP[version], **STEPS)


def test_bytes_after_the_columns_are_left_out(tmp_path: Path, seed: int) -> None:
    cloud = random_cloud(seed, 4, 1)
    plain = gzip.decompress(spz_bytes(cloud, 3))
    assert_same(
        load_bytes(tmp_path, "a.spz", gzip.compress(plain + b"extension")),
        cloud,
        quaternions=QUATERNION_STEP[3],
        **STEPS,
    )


def test_the_half_turn_keeps_every_colour(seed: int) -> None:
    """A Gaussian seen along d in the file's axes has the colour it has along the turned d in the scene's."""
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=(64, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    in_file = rng.uniform(-0.1, 0.1, (64, 16, 3))
    in_file[:, 0] = 0
    colour_in_file = (real_harmonics(direction, 3)[..., None] * in_file).sum(axis=1) + 0.5
    in_scene = in_file * np.concatenate([[1], FLIP_SH])[:, None]
    colour_in_scene = spherical_harmonics(
        torch.from_numpy(in_scene).float(), torch.from_numpy(direction * FLIP_POSITION).float()
    )
    assert np.abs(colour_in_scene.numpy() - colour_in_file).max() < 1e-5


def test_the_half_turn_keeps_every_shape(tmp_path: Path, seed: int) -> None:
    """Σ in the scene = turn · Σ in the file · turn."""
    cloud = random_cloud(seed, 50, 0)
    loaded = load_bytes(tmp_path, "a.spz", spz_bytes(cloud, 3))
    # The writer stores q times (1, 1, -1, -1): the same rotation, world and own axes turned alike.
    in_file = torch.from_numpy(cloud.quaternions * [1, *HALF_TURN])
    turn = torch.from_numpy(np.diag(HALF_TURN))
    scale = torch.from_numpy(np.diag([1.0, 4.0, 9.0]))
    file_covariance = rotation_matrix(in_file) @ scale @ rotation_matrix(in_file).mT
    in_scene = torch.from_numpy(loaded.quaternions).double()
    covariance = rotation_matrix(in_scene) @ scale @ rotation_matrix(in_scene).mT
    assert (turn @ file_covariance @ turn - covariance).abs().max() < 0.1


@pytest.mark.parametrize("flags", range(4))
def test_the_antialiased_flag_is_heeded(tmp_path: Path, seed: int, flags: int) -> None:
    cloud = random_cloud(seed, 5, 0)
    data = bytearray(gzip.decompress(spz_bytes(cloud, 3)))
    data[14] = flags
    assert load_bytes(tmp_path, "a.spz", bytes(data)).mip == bool(flags & 1)
