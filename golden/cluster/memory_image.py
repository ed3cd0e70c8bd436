"""A program as bytes: header, commands, then data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from golden.cluster.command import Command
from golden.cluster.memory_map import COMMAND, COMMAND_BYTES, HEADER, Field

Bytes = npt.NDArray[np.uint8]


def pack(fields: Sequence[Field], values: dict[str, int]) -> bytes:
    """The fields side by side, little endian; a field without a value is 0."""
    bits = place = 0
    for item in fields:
        bits |= (values.get(item.name, 0) & ((1 << item.width) - 1)) << place
        place += item.width
    return bits.to_bytes(place // 8, "little")


@dataclass(frozen=True, kw_only=True)
class MemoryImage:
    """`data` from address 0 with the header first; the result region lies behind or inside it."""

    data: Bytes
    result_address: int
    result_bytes: int
    header_address: int = 0


def program_bytes(commands: Sequence[Command], *, watchdog: int = 0) -> Bytes:
    """Header and commands."""
    header = pack(HEADER, {"commands": len(commands), "command_address": COMMAND_BYTES, "watchdog": watchdog})
    body = b"".join(pack(COMMAND, {f.name: int(getattr(c, f.name)) for f in COMMAND}) for c in commands)
    return np.frombuffer(header + body, np.uint8)
