"""Everything that changes a bus interface's size and speed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from golden.errors import InputError, Limits, check_limits
from hw.bus.axi import MAX_BEATS, PAGE_BYTES
from hw.lib.memory_port import ADDRESS_WIDTH

MAX_WIDTH = 1024  # bits of AXI4's widest data bus


@dataclass(frozen=True, kw_only=True)
class BusConfig:
    """An AXI4 master's numbers; none changes a result."""

    width: int = 0  #: bits of the data bus, up to the engine's memory word; 0: the same, or AXI4's 1024
    beats: int = MAX_BEATS  #: of a burst, at most
    reads: int = 64  #: read bursts under way, at most
    writes: int = 16  #: write bursts under way, at most
    id_width: int = 1  #: bits of every ID; each is 0, so answers come in order

    LIMITS: ClassVar[Limits] = {
        "width": (0, MAX_WIDTH), "beats": (1, MAX_BEATS), "reads": (2, 256), "writes": (2, 64), "id_width": (1, 16),
    }  # fmt: skip
    POWERS: ClassVar = ("width", "beats", "writes")

    def __post_init__(self) -> None:
        check_limits("axi4", self)
        if 0 < self.width < 32:
            raise InputError(f"axi4: width must be 0 or at least 32, it is {self.width}")

    def of(self, memory_width: int) -> BusConfig:
        """With the width in bits, for a port of words of `memory_width` bits.

        Raises:
            InputError: the bus is wider than the port, or its longest burst holds no word of it.
        """
        if self.width > memory_width:
            raise InputError(f"axi4: width must not exceed the memory word's {memory_width}, it is {self.width}")
        width = self.width or min(memory_width, MAX_WIDTH)
        if self.beats * width < memory_width:
            raise InputError(
                f"axi4: beats must be at least {memory_width // width}, those of a memory word, it is {self.beats}"
            )
        return replace(self, width=width)

    def ratio(self, memory_width: int) -> int:
        """Beats of a memory word."""
        return memory_width // self.width

    def burst_words(self, memory_width: int) -> int:
        """Memory words of the longest burst."""
        return min(self.beats // self.ratio(memory_width), 8 * PAGE_BYTES // memory_width)


@dataclass(frozen=True, kw_only=True)
class BusEngineConfig:
    """An engine with a bus: what names it in an artefact."""

    engine: Any  #: the engine's config
    bus: BusConfig


def index_bits(memory_width: int) -> int:
    """Bits of a memory word's number."""
    return ADDRESS_WIDTH - (memory_width // 8 - 1).bit_length()
