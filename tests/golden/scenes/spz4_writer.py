"""Writes Niantic's `.spz`, version 4, from the definition of the format."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

from tests.golden.scenes.writers import Cloud, spz_streams


def zstd_stored(data: bytes) -> bytes:
    """A ZSTD frame that says its size in 4 bytes and holds the data as it is, in blocks of at most 128 KB."""
    parts = [data[first : first + (1 << 17)] for first in range(0, len(data), 1 << 17)] or [b""]
    blocks = [
        ((len(part) << 3) | (number == len(parts) - 1)).to_bytes(3, "little") + part
        for number, part in enumerate(parts)
    ]
    return b"\x28\xb5\x2f\xfd\xa0" + struct.pack("<I", len(data)) + b"".join(blocks)


def spz4_bytes(
    cloud: Cloud,
    compress: Callable[[bytes], bytes] = zstd_stored,
    *,
    flags: int = 0,
    extensions: bytes = b"",
    sizes: Sequence[int] | None = None,
    more: Sequence[bytes] = (),
) -> bytes:
    """Niantic's .spz, version 4; with `sizes` in place of the streams' own in the table, and `more` streams."""
    degree = round(cloud.sh.shape[1] ** 0.5) - 1
    streams = [*spz_streams(cloud, 4), *more]
    packed = [compress(stream) for stream in streams]
    head = struct.pack("<4sIIBBBBI12x", b"NGSP", 4, len(cloud), degree, 12, flags, len(packed), 32 + len(extensions))
    table = zip(map(len, packed), sizes or map(len, streams), strict=True)
    return head + extensions + b"".join(struct.pack("<QQ", *row) for row in table) + b"".join(packed)
