"""`.ksplat` and `.sog` files that are refused, and what the refusal says."""

from __future__ import annotations

import copy
import io
import json
import random
import re
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.golden.scenes.corrupted import CLOUD, GOOD, load_or_refuse
from tests.golden.scenes.ksplat_writer import ksplat_bytes
from tests.golden.scenes.sog_writer import sog_files, webp, zipped
from tests.golden.scenes.writers import random_cloud

META, IMAGES = sog_files(CLOUD, 2)
META_1, IMAGES_1 = sog_files(CLOUD, 1)
SECTION = 4096


def patched(name: str, place: int, form: str, value: float) -> bytes:
    """The good file with one number in place of another."""
    data = bytearray(GOOD[name])
    struct.pack_into(form, data, place, value)
    return bytes(data)


def ksplat(place: int, form: str, value: float, level: int = 1) -> bytes:
    return patched(f"l{level}.ksplat", place, form, value)


def sog(change: dict[str, Any] | None = None, images: dict[str, bytes] | None = None, version: int = 2) -> bytes:
    """The good scene with fields of meta.json (`a.b`) and images in place of others."""
    meta = copy.deepcopy(META if version == 2 else META_1)
    for place, value in (change or {}).items():
        *path, last = place.split(".")
        target = meta
        for key in path:
            target = target[key]
        target[last] = value
    return zipped(meta, {**(IMAGES if version == 2 else IMAGES_1), **(images or {})})


def without(name: str) -> bytes:
    return zipped(META, {file: data for file, data in IMAGES.items() if file != name})


def archive(name: str, data: str | bytes) -> bytes:
    """A zip, compressed, of one file."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as zipped_file:
        zipped_file.writestr(name, data)
    return stream.getvalue()


def pixels(height: int, width: int) -> bytes:
    return webp(np.zeros((height, width, 4), np.uint8))


KSPLATS = {
    "empty": (b"", "a .ksplat header has 4096 bytes, found 0"),
    "header cut": (GOOD["l1.ksplat"][:4095], "found 4095"),
    "major version 1": (ksplat(0, "<B", 1), "version 0.1 is read, this file is 1.1"),
    "minor version 0": (ksplat(1, "<B", 0), "version 0.1 is read, this file is 0.0"),
    "level 3": (ksplat(20, "<H", 3), "must be 0, 1 or 2, the header says 3"),
    "no section": (ksplat(4, "<I", 0), "the sections must hold the 6 Gaussians of the header, they hold 0"),
    "sections beyond the file": (ksplat(4, "<I", 2**32 - 1), "4294967295 section headers end at byte"),
    "another count": (ksplat(16, "<I", 7), "the 7 Gaussians of the header, they hold 6"),
    "no Gaussians": (b"\0\1".ljust(4096, b"\0"), "at least one Gaussian, the file holds 0"),
    "degree 4": (ksplat(SECTION + 40, "<H", 4), "must be 0 to 3, a section says 4"),
    "a degree more": (ksplat(SECTION + 40, "<H", 2), "section 0: 6 Gaussians in"),
    "room beyond the file": (ksplat(SECTION + 4, "<I", 2**32 - 1), "4294967295 Gaussians in"),
    "less room than Gaussians": (ksplat(SECTION + 4, "<I", 5), "there is room for 5 Gaussians, the header says 6"),
    "too few buckets": (ksplat(SECTION + 1024, "<I", 0), "6 Gaussians need 3 buckets, the section has 2"),
    "bucket bytes": (ksplat(SECTION + 20, "<H", 16), "a bucket has 12 bytes, the header says 16"),
    "cut": (GOOD["l2.ksplat"][:-1], "the file has"),
}
SOGS = {
    "not a zip": (b"PK\x03\x04 and no more", "is a zip archive"),
    "cut": (GOOD["v2.sog"][:-30], "is a zip archive"),
    "an archive of another format": (
        archive("scene.ply", GOOD["plain.ply"]),
        "meta.json is missing: an archive is read as a SOG, which holds meta.json; unpack other archives first",
    ),
    "no image": (archive("meta.json", json.dumps(META)), "is missing$"),
    "an empty archive": (zipped({}, {}), "meta.json lacks means.shape.0"),
    "no meta": (b"", "is a zip archive"),
    "a version to come": (sog({"version": 3}), "SOG versions 1 and 2 are read, this file is version 3"),
    "no count": (sog({"count": None}), "count must be a whole number, it is None"),
    "count true": (sog({"count": True}), "count must be a whole number, it is True"),
    "count 0": (sog({"count": 0}), "at least one Gaussian, the file holds 0"),
    "count beyond the pixels": (sog({"count": 10}), "must have a pixel for each of 10 Gaussians, it has 3×2"),
    "count 2**40": (sog({"count": 2**40}), "must have a pixel for each of 1099511627776 Gaussians"),
    "version 1, no shape": (sog({"means.shape": []}, version=1), "meta.json lacks means.shape.0"),
    "no codebook": (sog({"scales": {"files": ["scales_0.webp"]}}), "meta.json lacks scales.codebook"),
    "a short codebook": (sog({"sh0.codebook": [1.0] * 255}), "sh0.codebook must be 256 numbers, it is a list of 255"),
    "words in a codebook": (sog({"sh0.codebook": ["a"] * 256}), "sh0.codebook must be 256 numbers"),
    "two bounds": (sog({"means.mins": [0, 1]}), "means.mins must be 3 numbers, it is a list of 2"),
    "ragged bounds": (sog({"means.maxs": [[0], 1, 2]}), "means.maxs must be 3 numbers"),
    "files a number": (sog({"quats.files": 5}), "meta.json lacks quats.files.0"),
    "a path": (sog({"quats.files": ["../quats_0.webp"]}), "must be names without a path, one is ../quats_0.webp"),
    "an image is missing": (without("sh0_0.webp"), "sh0_0.webp is missing"),
    "not an image": (sog(images={"sh0_0.webp": b"pixels"}), "sh0_0.webp must be a WEBP or PNG image, it is not"),
    "an image cut": (
        sog(images={"sh0_0.webp": IMAGES["sh0_0.webp"][:-9]}),
        "sh0_0.webp (is not a readable|must be a WEBP)",
    ),
    "a narrow palette": (sog(images={"shN_0.webp": pixels(1, 65)}), "must be 192, 512 or 960 pixels wide, it is 65"),
    "bands": (sog({"shN.bands": 2}), "holds 64 of 3 coefficients, meta.json says 6 of 2 bands"),
    "seven bands": (sog({"shN.bands": 7}), "meta.json says 6 of 7 bands"),
    "a palette too large": (sog({"shN.count": 65}), "meta.json says 65 of 1 bands"),
    "a label beyond": (sog({"shN.count": 5}), "a label of SH must be below 5, one is 5"),
}


@pytest.mark.parametrize("kind", KSPLATS)
def test_ksplat(tmp_path: Path, kind: str) -> None:
    data, message = KSPLATS[kind]
    assert message in load_or_refuse(tmp_path, "bad.ksplat", data)


@pytest.mark.parametrize("kind", SOGS)
def test_sog(tmp_path: Path, kind: str) -> None:
    data, message = SOGS[kind]
    assert re.search(message, str(load_or_refuse(tmp_path, "bad.sog", data)))


def test_a_name_in_an_archive_that_is_no_text(tmp_path: Path) -> None:
    data = bytearray(GOOD["v2.sog"])
    data[30] = 0xFF  # of the name of the first file, which is said to be UTF-8
    data[7] |= 8
    assert "means_0.webp cannot be unpacked: 'utf-8' codec" in load_or_refuse(tmp_path, "bad.sog", bytes(data))


def test_an_archive_with_a_password(tmp_path: Path) -> None:
    data = bytearray(GOOD["v2.sog"])
    place = data.index(b"PK\1\2")
    while place >= 0:
        data[place + 8] |= 1
        place = data.find(b"PK\1\2", place + 1)
    assert "password required" in load_or_refuse(tmp_path, "bad.sog", bytes(data))


def test_full_buckets_beyond_64_bits(tmp_path: Path) -> None:
    data = bytearray(GOOD["l1.ksplat"])
    for place in (8, 32):
        struct.pack_into("<I", data, SECTION + place, 2**32 - 1)
    assert not isinstance(load_or_refuse(tmp_path, "odd.ksplat", bytes(data)), str)  # all lie in the first bucket


def test_a_negative_scale_of_a_ksplat(tmp_path: Path) -> None:
    cloud = random_cloud(1, 3, 0)
    record = bytearray(ksplat_bytes([cloud], 0))
    struct.pack_into("<f", record, len(record) - 44 + 16, -2.5)
    assert "must not be negative, Gaussian 2 has -2.5" in load_or_refuse(tmp_path, "bad.ksplat", bytes(record))


@pytest.mark.parametrize("meta", ["[]", "3", '"a"', "", "{", "\xff", "[" * 100_000, " " * (1 << 21)])
def test_meta_that_is_no_object(tmp_path: Path, meta: str) -> None:
    message = load_or_refuse(tmp_path, "bad.sog", archive("meta.json", meta))
    assert "meta.json must" in message


def test_a_bomb_of_an_image_costs_no_memory(tmp_path: Path) -> None:
    """A black image of 16,384 × 16,383 pixels is a few hundred bytes."""
    stream = io.BytesIO()
    Image.new("1", (16_384, 16_383)).save(stream, format="PNG")
    tracemalloc.start()
    try:
        message = load_or_refuse(tmp_path, "bomb.sog", sog(images={"scales_0.webp": stream.getvalue()}))
        assert "scales_0.webp" in message
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def leaves(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The places of everything in meta.json, of long lists only the first two."""
    inner = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    return [place, *(leaf for key, item in inner for leaf in leaves(item, (*place, key)))][not place :]


@given(
    st.sampled_from([1, 2]),
    st.randoms(use_true_random=False),
    st.sampled_from([None, True, -1, 0, 2, 1e300, float("nan"), "", "x", [], [1], {}, [[]], 2**70]),
)
def test_any_value_anywhere_in_meta(folder: Path, version: int, rng: random.Random, value: object) -> None:
    meta, images = copy.deepcopy((META, IMAGES) if version == 2 else (META_1, IMAGES_1))
    *path, last = rng.choice(leaves(meta))
    target: Any = meta
    for key in path:
        target = target[key]
    target[last] = value
    load_or_refuse(folder, "a.sog", zipped(meta, images))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sog")
