"""`.splat` and `.spz` files and paths that are refused, and what the refusal says."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from golden.errors import InputError
from golden.scenes import load_scene
from tests.golden.scenes.corrupted import CLOUD_0, COUNT, GOOD, load_or_refuse
from tests.golden.scenes.writers import spz_columns, spz_header

RECORD = [("mean", "<f4", 3), ("scale", "<f4", 3), ("rgba", "u1", 4), ("rotation", "u1", 4)]
BODY = spz_columns(CLOUD_0, 3)


def splat(field: str, value: float) -> bytes:
    record = np.frombuffer(GOOD["a.splat"], RECORD).copy()
    record[field][3] = value
    return record.tobytes()


def spz(count: int = COUNT, version: int = 3, degree: int = 0, fraction: int = 12, magic: bytes = b"NGSP") -> bytes:
    return gzip.compress(spz_header(count, version, degree, fraction, magic) + BODY)


SPLATS = {
    "empty": (b"", "at least one Gaussian, the file holds 0"),
    "not a multiple of 32": (GOOD["a.splat"][:-1], "a multiple of 32 bytes, this one has 191"),
    "negative scale": (splat("scale", -2.5), "must not be negative, Gaussian 3 has -2.5"),
    "infinite negative scale": (splat("scale", -np.inf), "must not be negative, Gaussian 3 has -inf"),
    "all NaN": (b"\xff" * 64, "every Gaussian must be finite, all 2"),
}
SPZS = {
    "empty": (b"", "header has 16 bytes, found 0"),
    "not gzip": (b"no such stream", "is a gzip stream"),
    "gzip magic only": (b"\x1f\x8b", "is a gzip stream"),
    "gzip of nothing": (gzip.compress(b""), "header has 16 bytes, found 0"),
    "header cut": (gzip.compress(spz_header(1, 3, 0)[:15]), "found 15"),
    "gzip cut in its data": (GOOD["v3.spz"][:-40], "is a gzip stream"),
    "gzip cut in its checksum": (GOOD["v3.spz"][:-5], "is a gzip stream"),
    "gzip checksum wrong": (GOOD["v3.spz"][:-8] + bytes(8), "is a gzip stream"),
    "wrong magic": (spz(magic=b"NGSQ"), "b'NGSQ'"),
    "version 0": (spz(version=0), ".spz versions 1 to 3 are read, this file is version 0"),
    "version 4 in gzip": (spz(version=4), "in a gzip stream, .spz versions 1 to 3 are read, this file is version 4"),
    "version 5": (spz_header(COUNT, 5, 0) + BODY, ".spz versions 1 to 4 are read, this file is version 5"),
    "another format in gzip": (
        gzip.compress(GOOD["plain.ply"]),
        "starts with NGSP, this one with b'ply\\n': unpack files of other formats first",
    ),
    "not compressed, cut": ((spz_header(COUNT, 3, 0) + BODY)[:-1], "6 Gaussians need 120 bytes"),
    "magic only": (b"NGSP", "header has 16 bytes, found 4"),
    "version 99": (spz(version=99), "this file is version 99"),
    "degree 5": (spz(degree=5), "must be 0 to 4, the header says 5"),
    "degree 9": (spz(degree=9), "must be 0 to 4, the header says 9"),
    "24 fractional bits": (spz(fraction=24), "the header says 24"),
    "200 fractional bits": (spz(fraction=200), "the header says 200"),
    "zero Gaussians": (spz(count=0), "at least one Gaussian"),
    "one Gaussian too many": (spz(count=COUNT + 1), "7 Gaussians need 140 bytes"),
    "SH missing": (spz(degree=3), "6 Gaussians need 390 bytes"),
    "count 2**32 - 1": (spz(count=2**32 - 1), "at most 10000000 Gaussians, the header says 4294967295"),
    "count beyond the file": (spz(count=10_000_000), "10000000 Gaussians need 200000000 bytes"),
}


@pytest.mark.parametrize("kind", SPLATS)
def test_splat(tmp_path: Path, kind: str) -> None:
    data, message = SPLATS[kind]
    assert message in load_or_refuse(tmp_path, "bad.splat", data)


@pytest.mark.parametrize("kind", SPZS)
def test_spz(tmp_path: Path, kind: str) -> None:
    data, message = SPZS[kind]
    assert message in load_or_refuse(tmp_path, "bad.spz", data)


def test_splat_that_cannot_be_drawn_is_dropped(tmp_path: Path) -> None:
    for data in (splat("mean", np.nan), splat("scale", np.inf), splat("scale", 1e38), splat("rotation", 128)):
        scene = load_or_refuse(tmp_path, "a.splat", data)
        assert not isinstance(scene, str)
        assert (len(scene), scene.dropped) == (COUNT - 1, 1)


@pytest.mark.parametrize(("count", "zeros"), [(COUNT, 1 << 26), (10_000_000, 0), (2**32 - 1, 0)])
def test_a_decompression_bomb_costs_no_memory(tmp_path: Path, count: int, zeros: int) -> None:
    """A long stream behind a short header, and a short stream behind a long one."""
    bomb = gzip.compress(spz_header(count, 3, 3) + BODY + bytes(zeros), 1)
    tracemalloc.start()
    try:
        load_or_refuse(tmp_path, "bomb.spz", bomb)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("suffix", [".ply", ".splat", ".spz"])
def test_paths(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / f"a{suffix}"
    with pytest.raises(InputError, match=rf"a{suffix}: no such file$"):
        load_scene(path)
    with pytest.raises(InputError, match="cannot be read: File name too long"):
        load_scene(tmp_path / ("a" * 300 + suffix))
    with pytest.raises(InputError, match="no such file"):
        load_scene(f"a\0{suffix}")
    path.mkdir()
    with pytest.raises(InputError, match=rf"a{suffix}: not a file, nor a folder of a SOG, which holds meta.json$"):
        load_scene(path)
    path.rmdir()

    def denied(*_args: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied")

    path.write_bytes(GOOD["plain.ply"])
    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(InputError, match=rf"a{suffix}: cannot be read: Permission denied$"):
        load_scene(path)


@pytest.mark.parametrize("name", ["scene.obj", "scene", "scene.ply.gz", ".ply"])
def test_unknown_extensions(tmp_path: Path, name: str) -> None:
    """Of files that are not there, and of ones whose first bytes say nothing."""
    rule = r"a scene file ends in \.ply, \.splat, \.ksplat, \.spz, \.sog, \.tsr, or is the word 'embedded'"
    for _ in range(2):
        with pytest.raises(InputError, match=rule):
            load_scene(tmp_path / name)
        (tmp_path / name).write_bytes(bytes(64))


@pytest.mark.parametrize("name", ["a.ply", "a.splat", "a"])
def test_a_pointer_of_git_lfs(tmp_path: Path, name: str) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345678\n"
    assert "a pointer of Git LFS, not the file itself" in str(load_or_refuse(tmp_path, name, pointer))


@pytest.mark.parametrize("suffix", ["", ".dat", ".PLY", ".splat"])
@pytest.mark.parametrize("name", [name for name in GOOD if not name.endswith("splat")])
def test_what_a_file_begins_with_says_what_it_is(tmp_path: Path, name: str, suffix: str) -> None:
    path = tmp_path / f"scene{suffix}"
    path.write_bytes(GOOD[name])
    assert len(load_scene(str(path))) == COUNT


@pytest.mark.parametrize("suffix", [".SPLAT", ".KSplat"])
def test_extensions_in_capitals(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"A{suffix}"
    path.write_bytes(GOOD["a.splat" if suffix == ".SPLAT" else "l1.ksplat"])
    assert len(load_scene(str(path))) == COUNT
