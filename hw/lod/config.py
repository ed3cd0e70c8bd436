"""Everything that changes the LoD search core's speed and area, beside its specification."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from golden.errors import InputError, Limits, check_limits
from golden.lod.spec import DEFAULT as DEFAULT_SPEC
from golden.lod.spec import PAPER as PAPER_SPEC
from golden.lod.spec import TINY as TINY_SPEC
from golden.lod.spec import Spec


@dataclass(frozen=True, kw_only=True)
class Config:
    """The spec, and numbers that change speed and area but no cut."""

    spec: Spec = field(default_factory=Spec)
    memory_width: int = 512  #: bits of a memory word; one word a cycle is the peak bandwidth
    units: int = 4  #: LT units, each one node a cycle
    contexts: int = 32  #: subtrees that a unit holds, loading or under test
    cache_subtrees: int = 512  #: lines of the subtree cache
    queue_depth: int = 2048  #: subtrees with children that wait on chip
    queue_words: int = 64  #: subtrees read ahead of those that wait in memory
    pending_words: int = 64  #: words of the state table that wait for their subtrees
    fetch_words: int = 192  #: words of subtrees read ahead
    state_words: int = 256  #: words of the state table read ahead
    outstanding: int = 64  #: bursts under way at the memory, all readers together
    ordered: int = 1  #: 1: results in ascending order of subtrees; 0: as they are found
    temporal: int = 1  #: 1: with the hardware for temporal search, which needs `ordered`
    frustum: int = 0  #: 1: with the check of what lies outside the picture, for full searches

    LIMITS: ClassVar[Limits] = {
        "memory_width": (128, 1024), "units": (1, 16), "contexts": (2, 32), "cache_subtrees": (2, 4096),
        "queue_depth": (2, 4096), "queue_words": (2, 512),
        "pending_words": (2, 512), "fetch_words": (4, 512), "state_words": (4, 512),
        "outstanding": (4, 1024), "ordered": (0, 1), "temporal": (0, 1),
        "frustum": (0, 1),
    }  # fmt: skip
    POWERS: ClassVar = ("memory_width", "contexts", "cache_subtrees")

    def __post_init__(self) -> None:
        check_limits("lod", self)
        if self.spec.block_bytes % self.word_bytes:
            raise InputError(
                f"lod: a subtree's block must be whole memory words, {self.spec.block_bytes} bytes are not "
                f"a multiple of {self.word_bytes}"
            )
        if self.fetch_words < self.block_words:
            raise InputError(
                f"lod: fetch_words must be at least a block's {self.block_words}, it is {self.fetch_words}"
            )
        if self.temporal and not self.ordered:
            raise InputError("lod: temporal = 1 needs ordered = 1, it is 0")

    @property
    def word_bytes(self) -> int:
        return self.memory_width // 8

    @property
    def block_words(self) -> int:
        """Memory words of a subtree."""
        return self.spec.block_bytes // self.word_bytes

    @property
    def nodes_per_word(self) -> int:
        return self.memory_width // self.spec.node_bits

    @property
    def tickets(self) -> int:
        """Visits between allocation and retirement: a power of two, twice what the units hold."""
        return 1 << (2 * self.units * self.contexts - 1).bit_length()


def nano() -> Config:
    """`tiny` with two contexts and the shortest queues: beside its memory on small FPGAs."""
    return replace(
        tiny(),
        contexts=2,
        cache_subtrees=8,
        queue_depth=4,
        queue_words=2,
        pending_words=2,
        fetch_words=8,
        outstanding=8,
    )


def tiny() -> Config:
    """One unit of four contexts, subtrees of 6 nodes, 128-bit memory: unit tests, proofs, small FPGAs."""
    return Config(
        spec=TINY_SPEC,
        memory_width=128,
        units=1,
        contexts=4,
        cache_subtrees=16,
        queue_depth=8,
        queue_words=4,
        pending_words=4,
        fetch_words=16,
        state_words=4,
        outstanding=16,
    )


def default() -> Config:
    """Four units, 64 bytes a cycle, 128 KiB of subtree cache."""
    return Config(spec=DEFAULT_SPEC)


def paper() -> Config:
    """SLTarch's array of 2×2 LT units and subtrees of 32 nodes, 80 KiB of cache where it has 128 KB."""
    return Config(spec=PAPER_SPEC, units=4, cache_subtrees=256)


CONFIGS = {"nano": nano, "tiny": tiny, "default": default, "paper": paper}
