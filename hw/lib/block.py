"""A block of an engine, as its catalogue lists it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from amaranth.lib import wiring


@dataclass(frozen=True)
class Block:
    """How to make a block, and how many of it stand in the engine's top.

    `count` includes the instances nested in other blocks, and is never 0: a block that the top
    does not hold is not in the catalogue. Blocks nest, so a sum of area over a catalogue adds up
    either the blocks right under the top or those that hold no other, not all of them.
    """

    make: Callable[[], wiring.Component]
    count: int = 1

    def __post_init__(self) -> None:
        assert self.count >= 1, f"a block stands in its top at least once, not {self.count} times"
