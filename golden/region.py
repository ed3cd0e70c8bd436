"""The bytes that an engine leaves in memory, as far as its model knows them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import numpy.typing as npt

from golden.rows import Bytes


@dataclass(frozen=True, kw_only=True)
class Region:
    """A region of memory after a job. What the model does not know may hold anything."""

    data: Bytes  #: [B], 0 where it is not known
    known: npt.NDArray[np.bool_]  #: [B]

    def crc(self) -> int:
        """CRC-32 (`zlib.crc32`) of the known bytes, in the order of their addresses."""
        return crc32(self.data[self.known].tobytes())


def region(size: int, parts: Iterable[tuple[int, Bytes]]) -> Region:
    """`size` bytes of which each part is known, from its place on."""
    data, known = np.zeros(size, np.uint8), np.zeros(size, np.bool_)
    for place, part in parts:
        flat = part.reshape(-1)
        data[place : place + len(flat)] = flat
        known[place : place + len(flat)] = True
    return Region(data=data, known=known)
