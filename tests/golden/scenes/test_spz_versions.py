"""`.spz` files of versions 1 and 4, of SH degree 4, and with extensions."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zstandard

from golden.scenes import load_scene
from tests.golden.scenes.checks import assert_same, load_bytes
from tests.golden.scenes.corrupted import load_or_refuse
from tests.golden.scenes.spz4_writer import spz4_bytes, zstd_stored
from tests.golden.scenes.test_spz import QUATERNION_STEP, STEPS
from tests.golden.scenes.writers import (
    Cloud,
    plain_columns,
    ply_bytes,
    random_cloud,
    spz_bytes,
    spz_columns,
    spz_header,
)


def clipped_to_degree_3(cloud: Cloud) -> Cloud:
    return Cloud(**{**vars(cloud), "sh": cloud.sh[:, :16]})


@pytest.mark.parametrize("degree", range(4))
@pytest.mark.parametrize("compress", [zstd_stored, zstandard.compress], ids=["stored", "compressed"])
def test_version_4(tmp_path: Path, seed: int, compress: Callable[[bytes], bytes], degree: int) -> None:
    cloud = random_cloud(seed, 53, degree)
    scene = load_bytes(tmp_path, "a.spz", spz4_bytes(cloud, compress))
    assert_same(scene, cloud, quaternions=QUATERNION_STEP[3], **STEPS)


def test_a_stream_of_nothing_may_be_listed(tmp_path: Path, seed: int) -> None:
    """Of degree 0, for the harmonics; its frame is not empty."""
    cloud = random_cloud(seed, 7, 0)
    scene = load_bytes(tmp_path, "a.spz", spz4_bytes(cloud, more=[b""]))
    assert_same(scene, cloud, quaternions=QUATERNION_STEP[3], **STEPS)


@pytest.mark.parametrize("degree", [0, 3])
def test_version_1(tmp_path: Path, seed: int, degree: int) -> None:
    cloud = random_cloud(seed, 53, degree)
    for data in (spz_bytes(cloud, 1), gzip.decompress(spz_bytes(cloud, 1))):
        scene = load_bytes(tmp_path, "a.spz", data)
        steps = {**STEPS, "means": np.abs(cloud.means) * 2.0**-11 + 1e-6}
        assert_same(scene, cloud, quaternions=QUATERNION_STEP[2], **steps)


def test_a_position_of_version_1_that_is_not_finite_is_dropped(tmp_path: Path, seed: int) -> None:
    cloud = random_cloud(seed, 5, 0)
    cloud.means[1, 2], cloud.means[3, 0] = np.nan, np.inf
    assert load_bytes(tmp_path, "a.spz", spz_bytes(cloud, 1)).dropped == 2


def test_a_signalling_nan_of_version_1_is_dropped_without_a_warning(tmp_path: Path, seed: int) -> None:
    raw = bytearray(gzip.decompress(spz_bytes(random_cloud(seed, 5, 0), 1)))
    raw[16:18] = struct.pack("<H", 0x7C01)
    assert load_bytes(tmp_path, "a.spz", bytes(raw)).dropped == 1


@pytest.mark.parametrize("kind", ["v3.spz", "v4.spz", "a.ply"])
def test_degree_4_is_read_to_degree_3_and_said(tmp_path: Path, seed: int, kind: str) -> None:
    cloud = random_cloud(seed, 9, 4)
    data = {
        "v3.spz": lambda: gzip.compress(spz_header(9, 3, 4) + spz_columns(cloud, 3)),
        "v4.spz": lambda: spz4_bytes(cloud),
        "a.ply": lambda: ply_bytes({"vertex": plain_columns(cloud)}),
    }[kind]()
    scene = load_bytes(tmp_path, kind, data)
    steps = {} if kind == "a.ply" else {"quaternions": QUATERNION_STEP[3], **STEPS}
    assert_same(scene, clipped_to_degree_3(cloud), **steps)
    assert scene.notes == ("spherical harmonics of degree 4: the bands above degree 3 are left out",)
    assert scene.select(np.arange(2)).notes == scene.notes


def test_all_of_degree_3_needs_no_note(tmp_path: Path, seed: int) -> None:
    assert load_bytes(tmp_path, "a.spz", spz_bytes(random_cloud(seed, 3, 3), 3)).notes == ()


@pytest.mark.parametrize(
    ("axes", "outcome"), [(0, ""), (4, ""), (6, "an extension says 6"), (16, "an extension says 16")]
)
@pytest.mark.parametrize("version", [3, 4])
def test_the_extension_that_names_the_axes(tmp_path: Path, seed: int, version: int, axes: int, outcome: str) -> None:
    """Behind a record of another kind, which is passed over."""
    cloud = random_cloud(seed, 4, 1)
    records = struct.pack("<II3s", 7, 3, b"abc") + struct.pack("<III", 0xADBE0003, 4, axes)
    data = spz4_bytes(cloud, flags=2, extensions=records)
    if version == 3:
        head = bytearray(spz_header(4, 3, 1))
        head[14] = 2
        data = gzip.compress(bytes(head) + spz_columns(cloud, 3) + records)
    loaded = load_or_refuse(tmp_path, "a.spz", data)
    if outcome:
        assert outcome in str(loaded)
    else:
        assert_same(load_scene(tmp_path / "a.spz"), cloud, quaternions=QUATERNION_STEP[3], **STEPS)
