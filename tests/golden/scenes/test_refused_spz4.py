"""`.spz` files of version 4 that are refused, and what the refusal says."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.golden.scenes.corrupted import CLOUD, GOOD, load_or_refuse
from tests.golden.scenes.spz4_writer import spz4_bytes, zstd_stored


def patched(place: int, form: str, value: int) -> bytes:
    """The good file with one number in place of another."""
    data = bytearray(GOOD["v4.spz"])
    struct.pack_into(form, data, place, value)
    return bytes(data)


def spz4_header(count: int, streams: int, sizes: Sequence[int] = ()) -> bytes:
    """A file of degree 0 whose streams hold no bytes, with these sizes in its table."""
    head = struct.pack("<4sIIBBBBI12x", b"NGSP", 4, count, 0, 12, 0, streams, 32)
    return head + b"".join(struct.pack("<QQ", 0, size) for size in sizes)


SPZS = {
    "header only": (GOOD["v4.spz"][:20], "the header of an .spz file of version 4 has 32 bytes, found 20"),
    "no table": (GOOD["v4.spz"][:32], "6 streams listed from byte 32 on do not fit in 32 bytes"),
    "table in the header": (patched(16, "<I", 31), "6 streams listed from byte 31 on"),
    "table beyond": (patched(16, "<I", 2**32 - 1), "do not fit"),
    "a stream less": (patched(15, "<B", 5), "need streams of 54, 6, 18, 18, 24, 54 bytes, the table lists"),
    "another count": (patched(8, "<I", 7), "7 Gaussians need streams of 63, 7, "),
    "no Gaussians": (spz4_header(0, 0), "at least one Gaussian, the file holds 0"),
    "count 10 million": (
        spz4_header(10_000_000, 5, [90_000_000, 10_000_000, 30_000_000, 30_000_000, 40_000_000]),
        "10000000 Gaussians need 200000000 bytes, the file does not hold so many",
    ),
    "a size that is not so": (
        spz4_bytes(CLOUD, sizes=[54, 6, 18, 18, 24, 53]),
        "need streams of 54, 6, 18, 18, 24, 54 bytes, the table lists 54, 6, 18, 18, 24, 53",
    ),
    "packed beyond": (patched(32, "<Q", 2**63), "a stream ends at byte 9223372036854775936, the file has "),
    "cut": (GOOD["v4.spz"][:-1], "a stream ends at byte "),
    "not ZSTD": (spz4_bytes(CLOUD, bytes), "the stream of each position is not ZSTD"),
    "a stream too short": (
        spz4_bytes(CLOUD, lambda data: zstd_stored(data[:-1])),
        "the stream of each position must hold 54 bytes, it holds 53",
    ),
    "a stream too long": (
        spz4_bytes(CLOUD, lambda data: zstd_stored(data + b"x")),
        "the stream of each position must hold 54 bytes, it holds more",
    ),
    "degree 5": (patched(12, "<B", 5), "must be 0 to 4, the header says 5"),
}


@pytest.mark.parametrize("kind", SPZS)
def test_spz_4(tmp_path: Path, kind: str) -> None:
    data, message = SPZS[kind]
    assert message in load_or_refuse(tmp_path, "bad.spz", data)
