"""SOG scenes, zipped and in a folder, against what was written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from golden.scenes import load_scene
from tests.golden.scenes.checks import assert_same, load_bytes
from tests.golden.scenes.sog_writer import sog_bytes, sog_files, zipped
from tests.golden.scenes.writers import Cloud, random_cloud


def steps(cloud: Cloud, version: int) -> dict[str, float | np.ndarray]:
    """Half a step of each parameter."""
    dc = np.ptp(cloud.sh[:, 0]) / 510 + 1e-6
    logit = np.ptp(np.log(cloud.opacities / (1 - cloud.opacities)))
    return {
        "means": (1 + np.abs(cloud.means)) * 2 * np.log(6) / 131070 * 1.01 + 1e-6,
        "log_scales": np.ptp(cloud.log_scales) / 510 + 1e-5,
        "quaternions": 0.01,
        "opacities": 0.5 / 255 + 1e-6 if version == 2 else 0.25 * logit / 510 + 1e-6,
        "sh_0": dc,
        "sh_rest": np.ptp(cloud.sh[:, 1:]) / 510 + 1e-6 if cloud.sh.shape[1] > 1 else 0,
    }


@pytest.mark.parametrize("degree", range(4))
@pytest.mark.parametrize("version", [1, 2])
def test_round_trip(tmp_path: Path, seed: int, version: int, degree: int) -> None:
    """More Gaussians than a row of the palette and than a byte of a label."""
    cloud = random_cloud(seed, 300, degree)
    assert_same(load_bytes(tmp_path, "a.sog", sog_bytes(cloud, version)), cloud, **steps(cloud, version))


@pytest.mark.parametrize("version", [1, 2])
def test_in_a_folder(tmp_path: Path, seed: int, version: int) -> None:
    cloud = random_cloud(seed, 30, 1)
    meta, images = sog_files(cloud, version)
    for name, data in images.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "meta.json").write_text(json.dumps(meta))
    for source in (tmp_path, tmp_path / "meta.json"):
        assert_same(load_scene(source), cloud, **steps(cloud, version))


def test_in_a_folder_of_the_archive(tmp_path: Path, seed: int) -> None:
    cloud = random_cloud(seed, 30, 1)
    data = zipped(*sog_files(cloud, 2), inner="scene/")
    assert_same(load_bytes(tmp_path, "a.sog", data), cloud, **steps(cloud, 2))


@pytest.mark.parametrize("said", [True, False, None])
def test_the_mip_filter_is_heeded(tmp_path: Path, seed: int, said: bool | None) -> None:
    meta, images = sog_files(random_cloud(seed, 5, 0), 2)
    scene = load_bytes(tmp_path, "a.sog", zipped(meta if said is None else meta | {"antialias": said}, images))
    assert scene.mip == bool(said)


def test_a_rotation_without_a_tag_is_dropped(tmp_path: Path, seed: int) -> None:
    cloud = random_cloud(seed, 4, 0)
    meta, images = sog_files(cloud, 2)
    meta["quats"]["files"] = meta["scales"]["files"]  # opaque: every tag is that of z; no alpha at all
    assert load_bytes(tmp_path, "a.sog", zipped(meta, images)).dropped == 0
    meta["quats"]["files"] = meta["sh0"]["files"]  # alphas are opacities, all below the first tag
    meta["count"] = 3
    cloud.opacities[1] = 1.0
    _, other = sog_files(cloud, 2)
    scene = load_bytes(tmp_path, "a.sog", zipped(meta, {**images, **{f: other[f] for f in meta["sh0"]["files"]}}))
    assert (len(scene), scene.dropped) == (1, 2)
