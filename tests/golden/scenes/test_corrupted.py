"""Random damage to scene files: a valid scene or one line that names the file, and nothing else.

Warnings are errors in this project's test runs, so that a warning from a loader fails here too.
"""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.golden.scenes.corrupted import COMPRESSED, COUNT, GOOD, PLAIN, load_or_refuse, with_value
from tests.golden.scenes.writers import ply_bytes

names = st.sampled_from(sorted(GOOD))
SPECIAL = [np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-45, 0.0, -0.0, 1e30, -1e30]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scenes")


@pytest.mark.parametrize("name", sorted(GOOD))
def test_undamaged_files_load(folder: Path, name: str) -> None:
    assert not isinstance(load_or_refuse(folder, name, GOOD[name]), str)


@given(names, st.floats(0, 1, exclude_max=True))
def test_truncated_anywhere(folder: Path, name: str, where: float) -> None:
    data = GOOD[name][: int(where * len(GOOD[name]))]
    outcome = load_or_refuse(folder, name, data)
    if name == "a.splat":  # some whole records are a scene
        assert isinstance(outcome, str) == (len(data) % 32 > 0 or not data)
    elif name != "ascii.ply":  # the last number may have lost only digits
        assert isinstance(outcome, str)


@given(names, st.binary(min_size=1, max_size=64))
def test_extended(folder: Path, name: str, tail: bytes) -> None:
    load_or_refuse(folder, name, GOOD[name] + tail)


@given(names, st.integers(1, 40), st.randoms(use_true_random=False))
def test_bytes_changed_anywhere(folder: Path, name: str, count: int, rng: random.Random) -> None:
    data = bytearray(GOOD[name])
    for _ in range(count):
        data[rng.randrange(len(data))] = rng.randrange(256)
    load_or_refuse(folder, name, bytes(data))


@given(names, st.integers(1, 4), st.randoms(use_true_random=False))
def test_bits_flipped_in_the_header(folder: Path, name: str, count: int, rng: random.Random) -> None:
    data = bytearray(GOOD[name])
    header = data.index(b"end_header") + 11 if name.endswith(".ply") else 16
    for _ in range(count):
        data[rng.randrange(header)] ^= 1 << rng.randrange(8)
    load_or_refuse(folder, name, bytes(data))


@given(st.sampled_from(["v2.spz", "v3.spz"]), st.integers(1, 8), st.randoms(use_true_random=False))
def test_spz_bits_flipped_below_the_compression(folder: Path, name: str, count: int, rng: random.Random) -> None:
    data = bytearray(gzip.decompress(GOOD[name]))
    for _ in range(count):
        data[rng.randrange(rng.choice([16, len(data)]))] ^= 1 << rng.randrange(8)
    load_or_refuse(folder, name, gzip.compress(bytes(data), 1))


@given(names, st.binary(max_size=400))
def test_random_bytes(folder: Path, name: str, data: bytes) -> None:
    load_or_refuse(folder, name, data)


@given(st.sampled_from(["plain.ply", "big.ply", "ascii.ply", "a.compressed.ply"]), st.data())
def test_ply_header_lines_moved(folder: Path, name: str, data: st.DataObject) -> None:
    header, end, body = GOOD[name].partition(b"end_header\n")
    lines = header.splitlines(keepends=True)
    kept = data.draw(st.lists(st.sampled_from(lines[1:]), max_size=2 * len(lines)))
    load_or_refuse(folder, name, b"".join([lines[0], *kept]) + end + body)


@pytest.mark.parametrize("value", SPECIAL)
@pytest.mark.parametrize("field", sorted(PLAIN))
def test_special_value_in_a_plain_field(folder: Path, field: str, value: float) -> None:
    scene = load_or_refuse(folder, "a.ply", with_value(PLAIN, field, value))
    assert not isinstance(scene, str)
    drawn = not np.isnan(value) and value <= 40 if field.startswith("scale") else np.isfinite(value)
    unused = field.startswith("n") or (field == "opacity" and not np.isnan(value))
    assert scene.dropped == (0 if drawn or unused else 1)
    assert len(scene) == COUNT - scene.dropped


@pytest.mark.parametrize("value", SPECIAL)
@pytest.mark.parametrize("field", sorted(COMPRESSED["chunk"]))
def test_special_value_in_a_chunk(folder: Path, field: str, value: float) -> None:
    chunk = COMPRESSED["chunk"] | {field: np.array([value], "f4")}
    outcome = load_or_refuse(folder, "a.ply", ply_bytes(COMPRESSED | {"chunk": chunk}))
    if np.isfinite(value) and abs(value) <= 1:
        assert not isinstance(outcome, str)
    if np.isnan(value):
        assert "every Gaussian must be finite" in str(outcome)


@given(st.lists(st.floats(width=32), min_size=6, max_size=6), st.integers(0, 3))
def test_any_float_in_a_splat(folder: Path, values: list[float], row: int) -> None:
    record = np.frombuffer(GOOD["a.splat"], [("float", "<f4", 6), ("byte", "u1", 8)]).copy()
    record["float"][row] = values
    outcome = load_or_refuse(folder, "a.splat", record.tobytes())
    if any(scale < 0 for scale in values[3:]):
        assert "must not be negative" in str(outcome)
    elif not np.isfinite(values).all():
        assert not isinstance(outcome, str)
        assert outcome.dropped == 1
