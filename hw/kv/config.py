"""Everything that changes the KV-retrieval engine's speed and area, beside its specification."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from golden.errors import InputError, Limits, check_limits
from golden.kv.spec import DEFAULT as DEFAULT_SPEC
from golden.kv.spec import NANO as NANO_SPEC
from golden.kv.spec import PAPER as PAPER_SPEC
from golden.kv.spec import TINY as TINY_SPEC
from golden.kv.spec import Spec


@dataclass(frozen=True, kw_only=True)
class Config:
    """The spec, and widths and depths that change no result. A memory word is 16 · lanes bits."""

    spec: Spec = field(default_factory=Spec)
    compare_width: int = 64  #: W: clusters that a token's hash is compared with in a cycle
    recent_words: int = 128  #: words of tokens that wait for their place
    token_ahead: int = 256  #: token words read ahead
    gather_ahead: int = 256  #: gathered words read ahead
    plane_ahead: int = 256  #: words of bit planes read ahead
    sweep_words: int = 4  #: words of tokens whose scores a scan looks at in a cycle
    outstanding: int = 128  #: bursts under way at the memory, all readers together; a scan's are of one word or few

    LIMITS: ClassVar[Limits] = {
        "compare_width": (2, 64), "recent_words": (8, 1024), "token_ahead": (8, 1024), "gather_ahead": (8, 1024),
        "plane_ahead": (8, 1024), "sweep_words": (1, 8), "outstanding": (4, 1024),
    }  # fmt: skip
    POWERS: ClassVar = ("compare_width", "sweep_words")

    def __post_init__(self) -> None:
        check_limits("kv", self)
        if self.compare_width > self.spec.clusters // 2:
            raise InputError(
                f"kv: compare_width must not exceed clusters / 2 = {self.spec.clusters // 2}, it is "
                f"{self.compare_width}"
            )
        if self.recent_words < 2 * self.spec.token_words:
            raise InputError(
                f"kv: recent_words must hold two tokens of {self.spec.token_words} words, it is {self.recent_words}"
            )
        longest = self.spec.block_tokens * self.spec.chunks
        if self.gather_ahead < longest:
            raise InputError(f"kv: gather_ahead must hold a block of {longest} words, it is {self.gather_ahead}")

    @property
    def word_bytes(self) -> int:
        return self.spec.word_bytes

    @property
    def memory_width(self) -> int:
        """Bits of a memory word; one word a cycle is the peak bandwidth."""
        return 8 * self.spec.word_bytes


def nano() -> Config:
    """`tiny` with 64-bit memory, a quarter of its hash and group, the shortest queues: a small part of an FPGA."""
    return replace(
        tiny(), spec=NANO_SPEC, compare_width=2, token_ahead=16, gather_ahead=16, outstanding=8, plane_ahead=8,
        sweep_words=1,
    )  # fmt: skip


def tiny() -> Config:
    """Two heads of 16, 32 clusters, 4 comparisons a cycle, 128-bit memory: unit tests, proofs, small FPGAs."""
    return Config(
        spec=TINY_SPEC, compare_width=4, recent_words=16, token_ahead=32, gather_ahead=32, outstanding=16,
        plane_ahead=32, sweep_words=2,
    )  # fmt: skip


def default() -> Config:
    """Four heads of 32, 2,048 clusters, 64 comparisons and 16 scores a cycle, 64 bytes a cycle."""
    return Config(spec=DEFAULT_SPEC)


def paper() -> Config:
    """V-Rex's N_HCU-w = N_WTU-w = 16 on eight heads of 128 (Llama-3-8B)."""
    return Config(spec=PAPER_SPEC, compare_width=16, recent_words=256)


CONFIGS = {"nano": nano, "tiny": tiny, "default": default, "paper": paper}
