"""A program as bytes: header, commands, then data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from golden.cluster.command import Command
from golden.cluster.memory_map import COMMAND, COMMAND_BYTES, HEADER
from golden.rows import Bytes, pack, to_bytes


@dataclass(frozen=True, kw_only=True)
class MemoryImage:
    """`data` from address 0 with the header first; the result region lies behind or inside it."""

    data: Bytes
    result_address: int
    result_bytes: int
    header_address: int = 0


def program_bytes(commands: Sequence[Command], *, watchdog: int = 0) -> Bytes:
    """Header and commands."""
    header = {"commands": len(commands), "command_address": COMMAND_BYTES, "watchdog": watchdog}
    columns = {f.name: np.array([getattr(c, f.name) for c in commands], np.int64) for f in COMMAND}
    return np.concatenate([pack(HEADER, header, COMMAND_BYTES), to_bytes(COMMAND, columns, len(commands))]).reshape(-1)
