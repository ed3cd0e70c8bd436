"""This project's own `.tsr`: a scene with codebooks, 24 bytes a Gaussian and the books.

Header (little endian), then the books, float32: scales [K0, 3], quaternions [K1, 4], base colours [K2, 3], higher
coefficients [K3, (degree + 1)² - 1, 3]; then the records. The checksum is of all that stands behind it.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from golden.errors import InputError
from golden.scenes.books import BOOKS, Books
from golden.scenes.scene import MAX_DEGREE, Scene

MAGIC = b"\x89TSR\r\n\x1a\n"  # as PNG's: a transfer that changes ends of lines shows
VERSION = 1
PREFIX = struct.Struct("<8sII")  # magic, version, CRC-32
#: Gaussians, entries of the four books, degree, 2-D mip filter, hash of the spec it was packed for, middle of the scene
HEADER = struct.Struct("<5IBB2x12s3d")
RECORD = np.dtype([("position", "<f4", 3), ("opacity", "<f4"), ("index", "<u2", 4)])  # position from the middle
MAX_ENTRIES = 1 << 16
MAX_COUNT = 1 << 25


class Header(NamedTuple):
    """The header's fields."""

    count: int
    sizes: tuple[int, int, int, int]
    degree: int
    mip: bool
    spec: str
    middle: tuple[float, float, float]

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Of the books, in the order of the file."""
        scale, rotation, dc, sh = self.sizes
        return [(scale, 3), (rotation, 4), (dc, 3), (sh, (self.degree + 1) ** 2 - 1, 3)]

    @property
    def bytes(self) -> int:
        """Of the file."""
        books = sum(4 * int(np.prod(shape)) for shape in self.shapes)
        return PREFIX.size + HEADER.size + books + self.count * RECORD.itemsize


def pack_tsr(scene: Scene, spec: str) -> bytes:
    """The file of a scene with codebooks; `spec` is the hash, at most 12 letters, of what the books were made for.

    Raises:
        InputError: the scene has no codebooks, or more Gaussians or entries than the format can number.
    """
    books = scene.books
    if books is None:
        raise InputError(f"{scene.name}: a .tsr holds a scene with codebooks, this one has none")
    if len(scene) > MAX_COUNT:
        raise InputError(f"{scene.name}: a .tsr holds at most {MAX_COUNT} Gaussians, this scene has {len(scene)}")
    for name, size in zip(BOOKS, books.sizes, strict=True):
        if size > MAX_ENTRIES:
            raise InputError(f"{scene.name}: a .tsr's books have at most {MAX_ENTRIES} entries, {name} has {size}")
    middle = np.median(scene.means, axis=0)
    records = np.zeros(len(scene), RECORD)
    records["position"], records["opacity"] = scene.means - middle, scene.opacities
    records["index"] = books.index
    body = b"".join(
        [
            HEADER.pack(len(scene), *books.sizes, scene.sh_degree, scene.mip, spec.encode("ascii"), *middle),
            *(np.ascontiguousarray(book, "<f4").tobytes() for book in _tables(books)),
            records.tobytes(),
        ]
    )
    return PREFIX.pack(MAGIC, VERSION, zlib.crc32(body)) + body


def load_tsr(path: Path) -> Scene:
    """Reads a `.tsr`.

    Raises:
        InputError: the mark or the version is another, the length or the checksum is wrong, a book is empty or too
            large, a value is no finite number or out of its range, or an index is beyond its book.
    """
    raw = path.read_bytes()
    header = _header(path.name, raw)
    place = PREFIX.size + HEADER.size
    tables: list[np.ndarray] = []
    for shape in header.shapes:
        count = int(np.prod(shape))
        tables.append(np.frombuffer(raw, "<f4", count, place).reshape(shape).astype(np.float32))
        place += 4 * count
    records = np.frombuffer(raw, RECORD, header.count, place)
    index = records["index"].astype(np.int64)
    _check_values(path.name, header, tables, records, index)
    scales, quaternions, dc, sh = tables
    books = Books(scales=scales, quaternions=quaternions, dc=dc, sh=sh, index=index)
    gathered = books.gathered()
    return Scene(
        name=path.name,
        means=np.array(header.middle) + records["position"],
        opacities=records["opacity"].astype(np.float32),
        mip=header.mip,
        books=books,
        scales=gathered["scales"],
        quaternions=gathered["quaternions"],
        sh=gathered["sh"],
    )


def _tables(books: Books) -> tuple[np.ndarray, ...]:
    return books.scales, books.quaternions, books.dc, books.sh


def _header(name: str, raw: bytes) -> Header:
    """The checked header of a file that is whole."""
    least = PREFIX.size + HEADER.size
    if len(raw) < least:
        raise InputError(f"{name}: a .tsr has a header of {least} bytes, this file has {len(raw)} in all")
    magic, version, checksum = PREFIX.unpack_from(raw)
    if magic != MAGIC:
        raise InputError(f"{name}: a .tsr begins with {MAGIC!r}, this file with {magic!r}")
    if version != VERSION:
        raise InputError(f"{name}: a .tsr of version {VERSION} can be read, this one is of version {version}")
    count, *sizes, degree, mip, spec, x, y, z = HEADER.unpack_from(raw, PREFIX.size)
    if not 1 <= count <= MAX_COUNT:
        raise InputError(f"{name}: a .tsr holds 1 to {MAX_COUNT} Gaussians, this one says {count}")
    if degree > MAX_DEGREE:
        raise InputError(f"{name}: the degree of the harmonics must lie in 0..{MAX_DEGREE}, it is {degree}")
    for book, size in zip(BOOKS, sizes, strict=True):
        if not 1 <= size <= MAX_ENTRIES:
            raise InputError(f"{name}: the {book} book must have 1 to {MAX_ENTRIES} entries, it says {size}")
    if mip > 1:
        raise InputError(f"{name}: the flag of the 2-D mip filter must be 0 or 1, it is {mip}")
    header = Header(
        count=count, sizes=(sizes[0], sizes[1], sizes[2], sizes[3]), degree=degree, mip=bool(mip),
        spec=spec.rstrip(b"\0").decode("ascii", "replace"), middle=(x, y, z),
    )  # fmt: skip
    if len(raw) != header.bytes:
        raise InputError(f"{name}: its header says {header.bytes} bytes, the file has {len(raw)}")
    found = zlib.crc32(raw[PREFIX.size :])
    if found != checksum:
        raise InputError(f"{name}: damaged: its checksum is {checksum:08x}, that of its contents {found:08x}")
    return header


def _check_values(
    name: str, header: Header, tables: list[np.ndarray], records: np.ndarray, index: np.ndarray
) -> None:  # fmt: skip
    """What a checksum does not see: a file that was written wrongly."""
    for book, size, column in zip(BOOKS, header.sizes, index.T, strict=True):
        if column.max() >= size:
            place = int(column.argmax())
            raise InputError(
                f"{name}: an index into the {book} book must be below {size}, Gaussian {place} has {column[place]}"
            )
    values = {**dict(zip(BOOKS, tables, strict=True)), "position": records["position"], "opacity": records["opacity"]}
    for what, table in {**values, "middle": np.array(header.middle)}.items():
        if not np.isfinite(table).all():
            raise InputError(f"{name}: every number must be finite, {what} holds {table[~np.isfinite(table)][0]}")
    scales, quaternions = tables[0], tables[1]
    if not (scales > 0).all():
        raise InputError(f"{name}: every scale must be above 0, one is {scales.min():g}")
    lengths = np.linalg.norm(quaternions.astype(np.float64), axis=1)
    if np.abs(lengths - 1).max() > 1e-3:
        worst = lengths[np.abs(lengths - 1).argmax()]
        raise InputError(f"{name}: every quaternion's length must be 1, one is {worst:g}")
    low, high = records["opacity"].min(), records["opacity"].max()
    if low < 0 or high > 1:
        raise InputError(f"{name}: opacity must lie in [0, 1], it reaches {low:g}..{high:g}")
