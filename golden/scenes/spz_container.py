"""What holds the columns of an `.spz` file: a gzip stream, nothing, or in version 4 a ZSTD stream for each column."""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from golden.errors import InputError

HEADER = struct.Struct("<4sIIBBBB")  # magic, version, count, SH degree, fractional bits, flags, streams of version 4
TABLE = struct.Struct("<I12x")  # version 4: where the table of streams begins
STREAM = struct.Struct("<QQ")  # bytes compressed and uncompressed
EXTENSION = struct.Struct("<II")  # type, bytes that follow
MAGIC = b"NGSP"
VERSIONS = (1, 2, 3, 4)
MAX_DEGREE = 4
MAX_COUNT = 10_000_000  # together with the next line, bounds what a small file can make of itself
MAX_RATIO = 1032  # deflate's, at most: 258 bytes from 2 bits; the format's own reader allows 1024 for ZSTD
EXTENSIONS = 2  # the flag that says there are some
MAX_EXTENSIONS = 1 << 16  # bytes that are searched
AXES = 0xADBE0003  # Adobe's extension that names the axes
USUAL_AXES = (0, 4)  # not said, and right-up-back

Columns = dict[str, npt.NDArray[np.uint8]]


@dataclass(frozen=True, kw_only=True)
class Header:
    """The fields of the header that say how columns are read."""

    version: int
    count: int
    degree: int
    fraction: int
    flags: int

    @property
    def widths(self) -> dict[str, int]:
        """Bytes a Gaussian of each column, in the order of the file; columns of no bytes are left out."""
        rest = (self.degree + 1) ** 2 - 1
        widths = {
            "position": 6 if self.version == 1 else 9,
            "opacity": 1,
            "color": 3,
            "scale": 3,
            "rotation": 3 if self.version < 3 else 4,
            "sh": 3 * rest,
        }
        return {name: width for name, width in widths.items() if width}


def read_columns(path: Path) -> tuple[Header, Columns]:
    """The header, and each column as [count, bytes]; what may follow the columns is left out.

    Raises:
        InputError: neither gzip nor the magic, a version or degree that is not known, more than `MAX_COUNT` Gaussians,
            fewer bytes than the header promises, or axes other than the usual ones.
    """
    raw = path.read_bytes()
    if raw.startswith(MAGIC):
        return _not_compressed(path.name, raw)
    try:
        with gzip.open(io.BytesIO(raw)) as stream:
            header = _header(path.name, stream.read(HEADER.size), (1, 2, 3))
            return header, _in_a_row(path.name, header, stream, len(raw))
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path.name}: an .spz file is a gzip stream: {error}") from error


def _not_compressed(file: str, raw: bytes) -> tuple[Header, Columns]:
    header = _header(file, raw[: HEADER.size], VERSIONS)
    if header.version == 4:
        return header, _by_streams(file, header, raw)
    stream = io.BytesIO(raw)
    stream.seek(HEADER.size)
    return header, _in_a_row(file, header, stream, len(raw))


def _header(file: str, raw: bytes, versions: tuple[int, ...]) -> Header:
    if len(raw) < HEADER.size:
        raise InputError(f"{file}: an .spz header has {HEADER.size} bytes, found {len(raw)}")
    magic, version, count, degree, fraction, flags, _ = HEADER.unpack(raw)
    if magic != MAGIC:
        raise InputError(
            f"{file}: a gzip stream is read as .spz, which starts with {MAGIC.decode()}, this one with {magic!r}: "
            "unpack files of other formats first"
        )
    if version not in versions:
        where = "in a gzip stream, " if version in VERSIONS else ""
        raise InputError(
            f"{file}: {where}.spz versions {versions[0]} to {versions[-1]} are read, this file is version {version}"
        )
    if degree > MAX_DEGREE:
        raise InputError(f"{file}: the SH degree must be 0 to {MAX_DEGREE}, the header says {degree}")
    if fraction > 23:
        raise InputError(f"{file}: 24-bit positions have 0 to 23 fractional bits, the header says {fraction}")
    if count > MAX_COUNT:
        raise InputError(f"{file}: an .spz file has at most {MAX_COUNT} Gaussians, the header says {count}")
    return Header(version=version, count=count, degree=degree, fraction=fraction, flags=flags)


def _in_a_row(file: str, header: Header, stream: io.BufferedIOBase, size: int) -> Columns:
    """Reads, or decompresses, what the header announces, and no more; `size` is that of the file."""
    expected = header.count * sum(header.widths.values())
    data = stream.read(expected) if expected <= MAX_RATIO * size else b""
    if len(data) < expected:
        raise _too_short(file, header, expected)
    if header.flags & EXTENSIONS:
        _check_axes(file, stream.read(MAX_EXTENSIONS))
    stream.read(1)  # at the end of the stream this verifies its checksum
    column: Columns = {}
    offset = 0
    for name, width in header.widths.items():
        column[name] = _table(data[offset : offset + header.count * width], width)
        offset += header.count * width
    return column


def _by_streams(file: str, header: Header, raw: bytes) -> Columns:
    """Version 4: extensions, a table of the streams' sizes, the streams."""
    start = HEADER.size + TABLE.size
    if len(raw) < start:
        raise InputError(f"{file}: the header of an .spz file of version 4 has {start} bytes, found {len(raw)}")
    streams, table = raw[HEADER.size - 1], TABLE.unpack_from(raw, HEADER.size)[0]
    place = table + streams * STREAM.size
    if table < start or place > len(raw):
        raise InputError(f"{file}: {streams} streams listed from byte {table} on do not fit in {len(raw)} bytes")
    if header.flags & EXTENSIONS:
        _check_axes(file, raw[start:table])
    listed = list(STREAM.iter_unpack(raw[table:place]))
    needed: Mapping[str, int] = {name: width * header.count for name, width in header.widths.items() if header.count}
    found = [size for _, size in listed if size]  # a column of no bytes may have a stream or none
    if found != list(needed.values()):
        raise InputError(
            f"{file}: {header.count} Gaussians need streams of {', '.join(map(str, needed.values())) or 'no'} bytes, "
            f"the table lists {', '.join(map(str, found)) or 'none'}"
        )
    if sum(needed.values()) > MAX_RATIO * len(raw):
        raise _too_short(file, header, sum(needed.values()))
    column: Columns = {name: _table(b"", width) for name, width in header.widths.items()}
    names = iter(needed)
    for packed, size in listed:
        if packed > len(raw) - place:
            raise InputError(f"{file}: a stream ends at byte {place + packed}, the file has {len(raw)}")
        if size:
            name = next(names)
            column[name] = _table(_decompress(file, name, raw[place : place + packed], size), header.widths[name])
        place += packed
    return column


def _decompress(file: str, name: str, packed: bytes, size: int) -> bytes:
    import zstandard  # only version 4 needs it

    try:  # as a stream: a frame's own word for its size is not taken
        with zstandard.ZstdDecompressor().stream_reader(packed) as stream:
            data = stream.read(size)
            longer = len(data) == size and stream.read(1) != b""
    except zstandard.ZstdError as error:
        raise InputError(f"{file}: the stream of each {name} is not ZSTD: {error}") from error
    if len(data) < size or longer:
        found = "more" if longer else str(len(data))
        raise InputError(f"{file}: the stream of each {name} must hold {size} bytes, it holds {found}")
    return data


def _check_axes(file: str, records: bytes) -> None:
    """Refuses a file that says it is in other axes than the format's own."""
    place = 0
    while place + EXTENSION.size <= len(records):
        kind, size = EXTENSION.unpack_from(records, place)
        place += EXTENSION.size
        value = int.from_bytes(records[place : place + 4], "little")
        if kind == AXES and size == 4 and value not in USUAL_AXES:
            raise InputError(f"{file}: the axes of an .spz file must be right, up, back (4), an extension says {value}")
        place += size


def _table(data: bytes, width: int) -> npt.NDArray[np.uint8]:
    return np.frombuffer(data, np.uint8).reshape(-1, width)


def _too_short(file: str, header: Header, expected: int) -> InputError:
    return InputError(f"{file}: {header.count} Gaussians need {expected} bytes, the file does not hold so many")
