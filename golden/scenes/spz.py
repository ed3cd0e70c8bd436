"""Niantic `.spz`, versions 2 and 3: quantised columns, in a gzip stream or as they are."""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from golden.errors import InputError
from golden.scenes.scene import Floats, Scene, make_scene

HEADER = struct.Struct("<4sIIBBBB")  # magic, version, count, SH degree, fractional bits, flags, reserved
MAGIC = b"NGSP"
MAX_COUNT = 10_000_000  # together with the next line, bounds what a small file can make of itself
MAX_RATIO = 1032  # deflate's, at most: 258 bytes from 2 bits
COLOR_SCALE = 0.15
ANTIALIASED = 1  # the flag of files trained with the 2-D mip filter

# SPZ stores x right, y up, z back; 3DGS PLY files (and Scene) use x right, y down, z front. The
# change of axes is a half turn about x. Its signs on quaternion x, y, z and on SH bands 1 to 3:
FLIP_POSITION = np.array([1, -1, -1], np.float32)
FLIP_QUATERNION = np.array([1, -1, -1], np.float32)
FLIP_SH = np.array([-1, -1, 1, -1, 1, 1, -1, 1, -1, 1, -1, -1, 1, -1, 1], np.float32)


def load_spz(path: Path) -> Scene:
    """Reads an `.spz` file; what may follow the columns (extensions) is left out.

    Raises:
        InputError: neither gzip nor the magic, wrong magic, a version other than 2 or 3, SH degree above 3, more than
            `MAX_COUNT` Gaussians, or fewer bytes than the header promises.
    """
    raw = path.read_bytes()
    if raw.startswith(MAGIC):  # not compressed
        return _read(path.name, io.BytesIO(raw), len(raw))
    try:
        with gzip.open(io.BytesIO(raw)) as stream:
            return _read(path.name, stream, len(raw))
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path.name}: an .spz file is a gzip stream: {error}") from error


def _read(file: str, stream: io.BufferedIOBase, size: int) -> Scene:
    """Reads, or decompresses, what the header announces, and no more; `size` is that of the file."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        raise InputError(f"{file}: an .spz header has {HEADER.size} bytes, found {len(header)}")
    magic, version, count, degree, fraction, flags, _ = HEADER.unpack(header)
    if magic != MAGIC:
        raise InputError(f"{file}: an .spz file starts with {MAGIC.decode()}, this one with {magic!r}")
    if version not in (2, 3):
        raise InputError(f"{file}: .spz versions 2 and 3 are read, this file is version {version}")
    if degree > 3:
        raise InputError(f"{file}: the SH degree must be 0 to 3, the header says {degree}")
    if fraction > 23:
        raise InputError(f"{file}: 24-bit positions have 0 to 23 fractional bits, the header says {fraction}")

    if count > MAX_COUNT:
        raise InputError(f"{file}: an .spz file has at most {MAX_COUNT} Gaussians, the header says {count}")

    rest = (degree + 1) ** 2 - 1
    widths = {"position": 9, "opacity": 1, "color": 3, "scale": 3, "rotation": version + 1, "sh": 3 * rest}
    expected = count * sum(widths.values())
    data = stream.read(expected) if expected <= MAX_RATIO * size else b""
    if len(data) < expected:
        raise InputError(f"{file}: {count} Gaussians need {expected} bytes, the file does not hold so many")
    stream.read(1)  # at the end of the stream this verifies its checksum
    column: dict[str, npt.NDArray[np.uint8]] = {}
    offset = 0
    for name, width in widths.items():
        column[name] = np.frombuffer(data, np.uint8, count * width, offset).reshape(count, width)
        offset += count * width

    rotation = _smallest_three(column["rotation"]) if version == 3 else _first_three(column["rotation"])
    sh = np.empty((count, 1 + rest, 3), np.float32)
    sh[:, 0] = (column["color"] / 255 - 0.5) / COLOR_SCALE
    sh[:, 1:] = (column["sh"].reshape(count, rest, 3).astype(np.float32) - 128) / 128 * FLIP_SH[:rest, None]
    return make_scene(
        file,
        means=_fixed24(column["position"]) / np.float32(1 << fraction) * FLIP_POSITION,
        log_scales=(column["scale"] / 16 - 10).astype(np.float32),
        quaternions=rotation * np.concatenate([[1], FLIP_QUATERNION]).astype(np.float32),
        opacities=(column["opacity"][:, 0] / 255).astype(np.float32),
        sh=sh,
        mip=bool(flags & ANTIALIASED),
    )


def _fixed24(raw: npt.NDArray[np.uint8]) -> Floats:
    """Little-endian signed 24-bit integers, [N, 9] bytes -> [N, 3]."""
    b = raw.reshape(-1, 3, 3).astype(np.int32)
    value = b[..., 0] | b[..., 1] << 8 | b[..., 2] << 16
    return (value - ((value & 0x800000) << 1)).astype(np.float32)


def _first_three(raw: npt.NDArray[np.uint8]) -> Floats:
    """Version 2: x, y, z as bytes of [-1, 1]; w is the rest of a unit quaternion, not negative."""
    xyz = raw.astype(np.float32) / 127.5 - 1
    w = np.sqrt(np.maximum(0, 1 - (xyz**2).sum(axis=1)))
    return np.concatenate([w[:, None], xyz], axis=1).astype(np.float32)


def _smallest_three(raw: npt.NDArray[np.uint8]) -> Floats:
    """Version 3: 2 bits name the largest of x, y, z, w; the others are sign + 9 bits of 1/sqrt(2)."""
    word = raw.copy().view("<u4")[:, 0].astype(np.int64)
    index = word >> 30
    xyzw = np.empty((len(raw), 4), np.float32)
    rows = np.arange(len(raw))
    for k in range(3):  # the last component stored sits in the lowest bits
        field = word >> (10 * (2 - k))
        value = (field & 511) / 511 * np.sqrt(0.5) * np.where(field & 512, -1, 1)
        xyzw[rows, k + (k >= index)] = value
    xyzw[rows, index] = 0
    xyzw[rows, index] = np.sqrt(np.maximum(0, 1 - (xyzw**2).sum(axis=1)))
    return xyzw[:, [3, 0, 1, 2]]
