"""Everything that changes the radiance cache's speed and area, beside its specification."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from golden.errors import InputError, Limits, check_limits
from golden.radiance.memory_map import pixel_bytes
from golden.radiance.spec import DEFAULT as DEFAULT_SPEC
from golden.radiance.spec import PAPER as PAPER_SPEC
from golden.radiance.spec import TINY as TINY_SPEC
from golden.radiance.spec import Spec


@dataclass(frozen=True, kw_only=True)
class Config:
    """The spec, and numbers that change speed and area but no colour."""

    spec: Spec = field(default_factory=Spec)
    memory_width: int = 512  #: bits of a memory word; one word a cycle is the peak bandwidth
    pixel_words: int = 192  #: words of pixels read ahead
    image_words: int = 192  #: words of a saved cache read ahead
    fill_queue: int = 16  #: pixels that wait to go into the cache
    outstanding: int = 64  #: bursts under way at the memory, all readers together

    LIMITS: ClassVar[Limits] = {
        "memory_width": (128, 512), "pixel_words": (4, 512), "image_words": (4, 512), "fill_queue": (2, 64),
        "outstanding": (4, 1024),
    }  # fmt: skip
    POWERS: ClassVar = ("memory_width",)

    def __post_init__(self) -> None:
        check_limits("radiance", self)
        if pixel_bytes(self.spec) > self.word_bytes:
            raise InputError(
                f"radiance: a memory word must hold a pixel's {pixel_bytes(self.spec)} bytes, it has {self.word_bytes}"
            )

    @property
    def word_bytes(self) -> int:
        return self.memory_width // 8

    @property
    def pixels_per_word(self) -> int:
        return self.word_bytes // pixel_bytes(self.spec)


def nano() -> Config:
    """The cache of `tiny` behind the shortest queues: beside its memory on the smallest FPGAs."""
    return Config(spec=TINY_SPEC, memory_width=128, pixel_words=8, image_words=8, fill_queue=2, outstanding=8)


def tiny() -> Config:
    """Three ids a record, 4 ways of 16 sets, 128-bit memory: unit tests, proofs, small FPGAs."""
    return Config(spec=TINY_SPEC, memory_width=128, pixel_words=16, image_words=16, fill_queue=4, outstanding=16)


def default() -> Config:
    """Hashed records of 40 bits, 4 ways of 1,024 sets, 64 bytes a cycle."""
    return Config(spec=DEFAULT_SPEC)


def paper() -> Config:
    """Lumina's cache: 10 bytes of tag, 3 of colour, 4 ways of 1,024 sets."""
    return Config(spec=PAPER_SPEC)


CONFIGS = {"nano": nano, "tiny": tiny, "default": default, "paper": paper}
