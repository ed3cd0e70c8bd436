"""Leading- and trailing-zero counts."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


def leading_zeros(value: Value) -> Value:
    """Zeros above the highest set bit; for a value of 0 the count is `len(value)`.

    Combinational, `len(value).bit_length()` bits: a tree of ceil(log2(n)) selections.
    """
    width = len(value)
    size = 1 << max(width - 1, 0).bit_length()
    # Ones below the word make its length a power of two and end the count of an empty one.
    padded = Cat(Const(1, 1).replicate(size - width), value)
    return Mux(padded.any(), _position(padded), size)[: width.bit_length()]


def _position(bits: Value) -> Value:
    """Zeros above the highest set bit of 2**n bits, n bits wide; all ones if there is none.

    Emptiness is asked of the word itself, not handed up the tree: Amaranth does not share
    sub-expressions, and one that names an operand twice a level doubles with every level.
    """
    if len(bits) == 1:
        return Const(0, 0)
    half = len(bits) // 2
    low, high = bits[:half], bits[half:]
    return Mux(high.any(), Cat(_position(high), Const(0, 1)), Cat(_position(low), Const(1, 1)))


def trailing_zeros(value: Value) -> Value:
    """Zeros below the lowest set bit; for a value of 0 the count is `len(value)`. As `leading_zeros`."""
    return leading_zeros(value[::-1])


class LeadingZeros(wiring.Component):
    """o = number of zeros above the highest set bit of i; `width` for i = 0.

    Latency 1 cycle, throughput one a cycle.

    Raises:
        ValueError: `width` is below 1.
    """

    latency = 1

    def __init__(self, *, width: int) -> None:
        if width < 1:
            raise ValueError(f"LeadingZeros: width must be at least 1, it is {width}")
        super().__init__(
            {
                "i": In(width),  #: the word
                "o": Out(range(width + 1)),  #: its leading zeros, 0 to `width`
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.d.sync += self.o.eq(leading_zeros(self.i))
        return m
