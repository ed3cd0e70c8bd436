"""`.tsr`: what was packed comes back to the bit; whatever is wrong is one line."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from golden.errors import InputError
from golden.scenes import Scene, load_scene
from golden.scenes.books import Books
from golden.scenes.tsr import HEADER, PREFIX, RECORD, pack_tsr

COUNT, SIZES = 50, (7, 5, 9, 4)


def scene_with_books(seed: int, degree: int = 1) -> Scene:
    rng = np.random.default_rng(seed)
    quaternions = rng.normal(size=(SIZES[1], 4))
    books = Books(
        scales=np.exp(rng.normal(size=(SIZES[0], 3))).astype(np.float32),
        quaternions=(quaternions / np.linalg.norm(quaternions, axis=1, keepdims=True)).astype(np.float32),
        dc=rng.normal(size=(SIZES[2], 3)).astype(np.float32),
        sh=rng.normal(size=(SIZES[3], (degree + 1) ** 2 - 1, 3)).astype(np.float32),
        index=np.stack([rng.integers(0, size, COUNT) for size in SIZES], axis=1),
    )
    opacities = rng.uniform(0, 1, COUNT).astype(np.float32)
    means = rng.normal(size=(COUNT, 3)).astype(np.float32)
    means = (means - np.median(means, axis=0)).astype(np.float64)
    return Scene(name="s.tsr", means=means, opacities=opacities, books=books, **books.gathered())


def rewritten(raw: bytes, place: int, new: bytes) -> bytes:
    """With other bytes at a place behind the checksum, and a checksum that fits."""
    body = raw[PREFIX.size : place] + new + raw[place + len(new) :]
    return PREFIX.pack(*PREFIX.unpack_from(raw)[:2], zlib.crc32(body)) + body


def loaded(path: Path, raw: bytes) -> Scene:
    path.write_bytes(raw)
    return load_scene(path)


@pytest.mark.parametrize("degree", [0, 1, 3])
@pytest.mark.parametrize("name", ["s.tsr", "s.without-extension"])
def test_everything_comes_back(degree: int, name: str, tmp_path: Path, seed: int) -> None:
    scene = replace(scene_with_books(seed, degree), mip=degree == 1)
    back = loaded(tmp_path / name, pack_tsr(scene, "abc123"))
    for field in ("scales", "quaternions", "opacities", "sh"):
        assert (getattr(back, field) == getattr(scene, field)).all(), field
    assert np.abs(back.means - scene.means).max() < 1e-6
    assert back.mip == scene.mip
    assert back.books
    assert scene.books
    assert back.books.sizes == SIZES
    assert (back.books.index == scene.books.index).all()
    again = loaded(tmp_path / name, pack_tsr(back, "abc123"))
    assert (again.means == back.means).all()


BOOKS_AT = PREFIX.size + HEADER.size
RECORDS_AT = BOOKS_AT + 4 * (7 * 3 + 5 * 4 + 9 * 3 + 4 * 9)

DAMAGE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda raw: raw[:12], "a .tsr has a header of 76 bytes, this file has 12 in all"),
    "another mark": (lambda raw: b"XX" + raw[2:], r"a .tsr begins with .*, this file with b'XXSR"),
    "version": (
        lambda raw: raw[:8] + struct.pack("<I", 2) + raw[12:],
        "a .tsr of version 1 can be read, this one is of version 2",
    ),
    "cut": (lambda raw: raw[:-1], r"its header says \d+ bytes, the file has \d+"),
    "longer": (lambda raw: raw + b"0", r"its header says \d+ bytes, the file has \d+"),
    "a bit": (
        lambda raw: raw[:-5] + bytes([raw[-5] ^ 1]) + raw[-4:],
        "damaged: its checksum is [0-9a-f]{8}, that of its contents [0-9a-f]{8}",
    ),
    "no Gaussians": (
        lambda raw: rewritten(raw, PREFIX.size, struct.pack("<I", 0)),
        "a .tsr holds 1 to 33554432 Gaussians, this one says 0",
    ),
    "too many": (
        lambda raw: rewritten(raw, PREFIX.size, struct.pack("<I", (1 << 25) + 1)),
        "a .tsr holds 1 to 33554432 Gaussians, this one says 33554433",
    ),
    "a large book": (
        lambda raw: rewritten(raw, PREFIX.size + 8, struct.pack("<I", 65537)),
        "the rotation book must have 1 to 65536 entries, it says 65537",
    ),
    "degree": (lambda raw: rewritten(raw, PREFIX.size + 20, b"\4"), r"the degree .* must lie in 0..3, it is 4"),
    "flag": (lambda raw: rewritten(raw, PREFIX.size + 21, b"\2"), r"the flag .* must be 0 or 1, it is 2"),
    "index": (
        lambda raw: rewritten(raw, RECORDS_AT + 3 * RECORD.itemsize + 20, struct.pack("<H", 9)),
        "an index into the dc book must be below 9, Gaussian 3 has 9",
    ),
    "not finite": (
        lambda raw: rewritten(raw, BOOKS_AT, struct.pack("<f", np.nan)),
        "every number must be finite, scale holds nan",
    ),
    "no scale": (lambda raw: rewritten(raw, BOOKS_AT, struct.pack("<f", 0)), "every scale must be above 0, one is 0"),
    "no rotation": (
        lambda raw: rewritten(raw, BOOKS_AT + 4 * 21, struct.pack("<4f", 0, 0, 0, 0)),
        "every quaternion's length must be 1, one is 0",
    ),
    "opacity": (
        lambda raw: rewritten(raw, RECORDS_AT + 12, struct.pack("<f", 2)),
        r"opacity must lie in \[0, 1\], it reaches .*\.\.2",
    ),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_what_is_wrong_is_one_line(kind: str, tmp_path: Path, seed: int) -> None:
    damage, message = DAMAGE[kind]
    with pytest.raises(InputError, match=message) as error:
        loaded(tmp_path / "s.tsr", damage(pack_tsr(scene_with_books(seed), "abc123")))
    assert "\n" not in str(error.value)
    assert str(error.value).startswith("s.tsr: ")


def test_every_flipped_bit_is_seen(tmp_path: Path, seed: int) -> None:
    raw = pack_tsr(scene_with_books(seed), "abc123")
    rng = np.random.default_rng(seed)
    for place in rng.integers(0, len(raw), 200).tolist():
        with pytest.raises(InputError):
            loaded(tmp_path / "s.tsr", raw[:place] + bytes([raw[place] ^ 1 << place % 8]) + raw[place + 1 :])


def test_what_does_not_fit_the_format(seed: int) -> None:
    scene = scene_with_books(seed)
    with pytest.raises(InputError, match="holds a scene with codebooks, this one has none"):
        pack_tsr(replace(scene, books=None), "abc")
    assert scene.books
    large = replace(scene.books, dc=np.zeros((65537, 3), np.float32))
    with pytest.raises(InputError, match=r"a \.tsr's books have at most 65536 entries, dc has 65537"):
        pack_tsr(replace(scene, books=large), "abc")
