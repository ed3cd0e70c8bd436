"""Niantic's `.spz`, versions 1 to 4: quantised columns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from golden.scenes.scene import MAX_DEGREE, Floats, Scene, degree_note, make_scene
from golden.scenes.smallest_three import complete
from golden.scenes.spz_container import Columns, Header, read_columns

COLOR_SCALE = 0.15
ANTIALIASED = 1  # the flag of files trained with the 2-D mip filter

# SPZ stores x right, y up, z back; 3DGS PLY files (and Scene) use x right, y down, z front. The
# change of axes is a half turn about x. Its signs on quaternion x, y, z and on SH bands 1 to 3:
FLIP_POSITION = np.array([1, -1, -1], np.float32)
FLIP_QUATERNION = np.array([1, -1, -1], np.float32)
FLIP_SH = np.array([-1, -1, 1, -1, 1, 1, -1, 1, -1, 1, -1, -1, 1, -1, 1], np.float32)


def load_spz(path: Path) -> Scene:
    """Reads an `.spz` file; SH above degree 3 is left out, which the scene's notes say.

    Raises:
        InputError: whatever `read_columns` refuses.
    """
    header, column = read_columns(path)
    scene = make_scene(
        path.name,
        means=_positions(header, column) * FLIP_POSITION,
        log_scales=(column["scale"] / 16 - 10).astype(np.float32),
        quaternions=_rotations(header, column) * np.concatenate([[1], FLIP_QUATERNION]).astype(np.float32),
        opacities=(column["opacity"][:, 0] / 255).astype(np.float32),
        sh=_sh(header, column),
        mip=bool(header.flags & ANTIALIASED),
    )
    return replace(scene, notes=degree_note(header.degree))


def _sh(header: Header, column: Columns) -> Floats:
    rest = (min(header.degree, MAX_DEGREE) + 1) ** 2 - 1
    sh = np.empty((header.count, 1 + rest, 3), np.float32)
    sh[:, 0] = (column["color"] / 255 - 0.5) / COLOR_SCALE
    if rest:
        stored = column["sh"][:, : 3 * rest].reshape(header.count, rest, 3)
        sh[:, 1:] = (stored.astype(np.float32) - 128) / 128 * FLIP_SH[:rest, None]
    return sh


def _positions(header: Header, column: Columns) -> Floats:
    """Version 1: half precision. Since then: 24 bits, `fraction` of them below the point."""
    raw = column["position"]
    if header.version == 1:
        with np.errstate(invalid="ignore"):  # a signalling NaN, which becomes a quiet one
            halves = np.ascontiguousarray(raw).view("<f2").astype(np.float32)
            return np.where(np.isnan(halves), np.float32(np.nan), halves)
    return _fixed24(raw) / np.float32(1 << header.fraction)


def _fixed24(raw: npt.NDArray[np.uint8]) -> Floats:
    """Little-endian signed 24-bit integers, [N, 9] bytes -> [N, 3]."""
    b = raw.reshape(-1, 3, 3).astype(np.int32)
    value = b[..., 0] | b[..., 1] << 8 | b[..., 2] << 16
    return (value - ((value & 0x800000) << 1)).astype(np.float32)


def _rotations(header: Header, column: Columns) -> Floats:
    return (_first_three if header.version < 3 else _smallest_three)(column["rotation"])


def _first_three(raw: npt.NDArray[np.uint8]) -> Floats:
    """Versions 1 and 2: x, y, z as bytes of [-1, 1]; w is the rest of a unit quaternion, not negative."""
    xyz = raw.astype(np.float32) / 127.5 - 1
    w = np.sqrt(np.maximum(0, 1 - (xyz**2).sum(axis=1)))
    return np.concatenate([w[:, None], xyz], axis=1).astype(np.float32)


def _smallest_three(raw: npt.NDArray[np.uint8]) -> Floats:
    """Since version 3: 2 bits name the largest of x, y, z, w; the others are sign + 9 bits of 1/sqrt(2)."""
    word = raw.copy().view("<u4")[:, 0].astype(np.int64)
    field = word[:, None] >> np.array([20, 10, 0])  # the last component stored sits in the lowest bits
    others = (field & 511) / 511 * np.sqrt(0.5) * np.where(field & 512, -1, 1)
    return complete(word >> 30, others)[:, [3, 0, 1, 2]]
