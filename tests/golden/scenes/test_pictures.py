"""A scene drawn from every container looks like the scene drawn from `.ply`, but for what the container rounds."""

from __future__ import annotations

from pathlib import Path

import pytest

from golden.scenes import Scene, orbit
from golden.splat.reference import render
from sim.kernel.quality import psnr
from tests.golden.scenes.checks import load_bytes
from tests.golden.scenes.ksplat_writer import ksplat_bytes
from tests.golden.scenes.sog_writer import sog_bytes
from tests.golden.scenes.spz4_writer import spz4_bytes
from tests.golden.scenes.writers import plain_columns, ply_bytes, random_cloud, spz_bytes

CLOUD = random_cloud(5, 400, 2)
#: Container -> its bytes, and the least PSNR in dB; a mistake in axes, rotation, order or colour costs tens of dB.
CONTAINERS = {
    "l0.ksplat": (ksplat_bytes([CLOUD], 0), 64),
    "l1.ksplat": (ksplat_bytes([CLOUD], 1), 64),
    "l2.ksplat": (ksplat_bytes([CLOUD], 2), 57),
    "v1.sog": (sog_bytes(CLOUD, 1), 51),
    "v2.sog": (sog_bytes(CLOUD, 2), 52),
    "v3.spz": (spz_bytes(CLOUD, 3), 46),
    "v4.spz": (spz4_bytes(CLOUD), 46),
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return load_bytes(tmp_path_factory.mktemp("plain"), "a.ply", ply_bytes({"vertex": plain_columns(CLOUD)}))


@pytest.mark.parametrize("name", CONTAINERS)
def test_the_same_picture(tmp_path: Path, plain: Scene, name: str) -> None:
    data, least = CONTAINERS[name]
    camera = orbit(plain, 1, 3, width=64, height=48)
    picture, expected = (render(s, camera).numpy() for s in (load_bytes(tmp_path, name, data), plain))
    assert expected.std() > 0.05
    assert psnr(picture, expected) >= least
