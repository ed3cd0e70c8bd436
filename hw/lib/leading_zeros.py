"""Leading-zero count."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


def leading_zeros(value: Value) -> Value:
    """Zeros above the highest set bit; for a value of 0 the count is `len(value)`.

    A tree of ceil(log2(n)) levels: each joins two halves of equal power-of-two width, whose counts
    carry their top bit iff the half is empty.
    """
    width = len(value)
    size = 1 << max(width - 1, 0).bit_length()
    bits = Cat(Const((1 << (size - width)) - 1, size - width), value) if size > width else value
    # Each count is (level + 1) bits wide; its top bit says that the half holds no one at all.
    counts: list[Value] = [~bits[k] for k in range(size)]
    while len(counts) > 1:
        joined: list[Value] = []
        for low, high in zip(counts[0::2], counts[1::2], strict=True):
            bits_below = len(low) - 1
            both = low[bits_below] & high[bits_below]
            either = Mux(high[bits_below], Cat(low[:bits_below], Const(1, 1)), Cat(high[:bits_below], Const(0, 1)))
            joined.append(Cat(Mux(both, Const(0, bits_below + 1), either), both))
        counts = joined
    return counts[0][: width.bit_length()]


class LeadingZeros(wiring.Component):
    """o = number of zeros above the highest set bit of i; `width` for i = 0.

    Latency 1 cycle, throughput one a cycle.
    """

    latency = 1

    def __init__(self, *, width: int) -> None:
        super().__init__({"i": In(width), "o": Out(range(width + 1))})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.d.sync += self.o.eq(leading_zeros(self.i))
        return m
