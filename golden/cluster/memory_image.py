"""A program as bytes: header, commands, then data in lanes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from golden.cluster.command import Command
from golden.cluster.memory_map import COMMAND, COMMAND_BYTES, HEADER
from golden.cluster.spec import Spec
from golden.errors import check_base
from golden.rows import Bytes, pack, to_bytes


@dataclass(frozen=True, kw_only=True)
class MemoryImage:
    """`data` from address 0, the program in it from its header on; the result region lies behind or inside it."""

    data: Bytes
    result_address: int
    result_bytes: int
    header_address: int = 0
    parts: dict[str, int] = field(default_factory=dict)  #: of each table the first byte address, for a DRAM's counts


def aligned(size: int, spec: Spec) -> int:
    """The next multiple of a word of external memory."""
    return -(-size // spec.external_bytes) * spec.external_bytes


def to_lanes(parts: Bytes, spec: Spec) -> Bytes:
    """The nodes' parts [N, bytes], whole flits, as words of external memory: lane b is node b's."""
    return parts.reshape(spec.nodes, -1, spec.flit_bytes).swapaxes(0, 1).reshape(-1)


def from_lanes(words: Bytes, spec: Spec) -> Bytes:
    """The inverse of `to_lanes`: [N, bytes]."""
    return words.reshape(-1, spec.nodes, spec.flit_bytes).swapaxes(0, 1).reshape(spec.nodes, -1)


def program_bytes(commands: Sequence[Command], spec: Spec, *, watchdog: int = 0, base: int = 0) -> Bytes:
    """What lies from `base` on: header, which fills a word at least, and commands.

    Raises:
        InputError: `base` within a word.
    """
    check_base("cluster", base, spec.external_bytes)
    first = aligned(COMMAND_BYTES, spec)
    header = {"commands": len(commands), "command_address": base + first, "watchdog": watchdog}
    columns = {f.name: np.array([getattr(c, f.name) for c in commands], np.int64) for f in COMMAND}
    return np.concatenate([pack(HEADER, header, first), to_bytes(COMMAND, columns, len(commands))], axis=None)


def read_results(raw: Bytes, spec: Spec) -> dict[str, Bytes]:
    """What the program stored in its result region, by name: `results`, the nodes' parts [N, bytes]."""
    return {"results": from_lanes(raw, spec)}


def expected_results(external: Bytes, image: MemoryImage, spec: Spec) -> dict[str, Bytes]:
    """The same of external memory as the model leaves it."""
    return read_results(external[image.result_address :][: image.result_bytes], spec)
