"""CRC-32 of memory words."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.radiance.memory_map import CHECK_POLYNOMIAL

BITS = 32


class Checksum(wiring.Component):
    """The checksum of all bytes since `clear`, the lowest first, as `zlib.crc32` gives it.

    One word a cycle, there 3 cycles later. A word's share is an XOR of its bits and does not depend on the words
    before it: only 32 bits go round.

    Raises:
        ValueError: `width` is below 32 or no whole number of bytes.
    """

    latency = 3

    def __init__(self, *, width: int) -> None:
        if width < BITS or width % 8:
            raise ValueError(f"Checksum: width must be whole bytes from {BITS} bits on, it is {width}")
        self.width = width
        super().__init__(
            {
                "clear": In(1),  #: begin; wins over words that are under way or come with it
                "valid": In(1),  #: there is a word
                "data": In(width),  #: the word
                "o": Out(BITS),  #: the checksum of the words of three cycles ago and before
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        columns = after_word(self.width)
        word, held = Signal(self.width), Signal()  # behind the memory that words come from
        share, shared = Signal(BITS), Signal()
        state = Signal(BITS, init=-1)
        m.d.sync += [word.eq(self.data), held.eq(self.valid), share.eq(_map(columns, word)), shared.eq(held)]
        with m.If(shared):
            m.d.sync += state.eq(_map(columns[:BITS], state) ^ share)
        with m.If(self.clear):
            m.d.sync += [state.eq(-1), held.eq(0), shared.eq(0)]
        m.d.comb += self.o.eq(~state)
        return m


def after_word(width: int) -> list[int]:
    """For every bit of a word, the register after it if it alone is set and the register was 0.

    A bit of the register before does the same as that bit of the word.
    """
    columns = []
    for bit in range(width):
        state = 0
        for place in range(width):
            feedback = (state ^ (place == bit)) & 1
            state = state >> 1 ^ (CHECK_POLYNOMIAL if feedback else 0)
        columns.append(state)
    return columns


def _map(columns: list[int], value: Value) -> Value:
    """The XOR of the columns of the bits that are set."""
    masks = [sum((column >> bit & 1) << k for k, column in enumerate(columns)) for bit in range(BITS)]
    return Cat((value & Const(mask, len(columns))).xor() for mask in masks)
