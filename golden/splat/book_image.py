"""The bytes of a scene's codebooks and of the records that hold indices into them."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from math import isqrt

import numpy as np

from golden.rows import Bytes, Field, Ints, pack, width_of_row
from golden.splat.memory_map import (
    BOOKS,
    BOOKS_BYTES,
    INDEX_RECORD_BYTES,
    LINE_BYTES,
    LOOK_BYTES,
    index_record,
    look_entry,
    sh_entry,
)
from golden.splat.scene_image import BookCodes
from golden.splat.spec import Spec

BLOCK = 1 << 14  # rows packed at once; only memory and time depend on it


@dataclass(frozen=True, kw_only=True)
class BookImage:
    """The books as they lie in memory, one behind the other, whole lines each."""

    look: Bytes  #: scale, quaternion and base colour of the same number side by side
    sh: Bytes  #: higher coefficients
    sh_line_entries: int  #: how many of their entries share a line: the lower the scene's degree, the more

    @property
    def size(self) -> int:
        """Bytes of both."""
        return len(self.look) + len(self.sh)

    @property
    def version(self) -> int:
        """A name of their contents: CRC-32, and 1 in place of 0, which is no version."""
        layout = zlib.crc32(bytes([self.sh_line_entries]))
        return zlib.crc32(self.sh.tobytes(), zlib.crc32(self.look.tobytes(), layout)) or 1

    def header(self, address: int) -> Bytes:
        """What stands behind the view of a frame whose books lie at `address`, [64]."""
        row = {
            "version": self.version,
            "look_address": address,
            "look_lines": len(self.look) // LINE_BYTES,
            "sh_address": address + len(self.look),
            "sh_lines": len(self.sh) // LINE_BYTES,
            "sh_line_entries": self.sh_line_entries,
        }
        return pack(BOOKS, row, BOOKS_BYTES).reshape(-1)


def pack_books(books: BookCodes, spec: Spec) -> BookImage:
    """The books in memory; a scene without higher coefficients has none of these."""
    columns = {
        **{f"scale_{k}": books.scale[:, k] for k in range(3)},
        **{f"quaternion_{c}": books.quaternion[:, k] for k, c in enumerate("wxyz")},
        **{f"dc_{c}": books.dc[:, k] for k, c in enumerate("rgb")},
    }
    entries = max(map(len, columns.values()))
    look = pack_blocks(
        look_entry(spec), {n: np.pad(c, (0, entries - len(c))) for n, c in columns.items()}, LOOK_BYTES
    )  # fmt: skip
    rest = books.sh.shape[1]
    sh, line_entries = np.zeros(0, np.uint8), 1
    if rest:
        fields = sh_entry(spec, isqrt(rest + 1) - 1)
        size = width_of_row(fields) // 8
        codes = {f"sh_{k}_{c}": books.sh[:, k, j] for k in range(rest) for j, c in enumerate("rgb")}
        sh, line_entries = pack_blocks(fields, {"sh_exponent": books.sh_exponent, **codes}, size), LINE_BYTES // size
    return BookImage(look=to_lines(look.reshape(-1)), sh=to_lines(sh.reshape(-1)), sh_line_entries=line_entries)


def pack_index_records(books: BookCodes, opacity: Ints, spec: Spec) -> Bytes:
    """The records, [M, 8]."""
    scale, rotation, dc, sh = books.index.T
    codes = {"scale_index": scale, "rotation_index": rotation, "dc_index": dc, "sh_index": sh, "opacity": opacity}
    return pack_blocks(index_record(spec), codes, INDEX_RECORD_BYTES)


def pack_blocks(fields: list[Field], table: dict[str, Ints], row_bytes: int) -> Bytes:
    """`pack`, `BLOCK` rows at a time: it spends a byte on every bit."""
    rows = len(next(iter(table.values())))
    blocks = [slice(first, first + BLOCK) for first in range(0, rows, BLOCK)]
    return np.concatenate([pack(fields, {n: column[b] for n, column in table.items()}, row_bytes) for b in blocks])


def to_lines(raw: Bytes) -> Bytes:
    """The bytes and zeros up to a whole number of lines."""
    return np.concatenate([raw, np.zeros(-len(raw) % LINE_BYTES, np.uint8)])
