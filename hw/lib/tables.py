"""Functions by table: reciprocal, square root, exponential, and any other `golden.tables` table."""

from __future__ import annotations

import math

from amaranth.hdl import Elaboratable, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.tables import LinearTable, StepTable
from hw.lib.pipe import Pipe


class StepLookUp(wiring.Component):
    """o = table(i): one word a code, from a ROM.

    Latency 2 cycles (the ROM's register and one behind it), throughput one a cycle. The error is
    the table's own: half a step of the argument and half a unit of the result.

    Raises:
        ValueError: a word of the table is negative (on elaboration).
    """

    latency = 2

    def __init__(self, *, table: StepTable) -> None:
        self.table = table
        super().__init__(
            {
                "i": In(table.in_bits),  #: the argument's code
                "o": Out(range(max(table.values) + 1)),  #: the table's word for it
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        m.d.comb += self.o.eq(p.step_table(self.table, p.source(self.i, "i"), name="word").value)
        return m


class LinearLookUp(wiring.Component):
    """o = table(i): a ROM of chords and one multiplier.

    Latency 4 cycles, throughput one a cycle. The error is at most `table.max_error` units.

    Raises:
        ValueError: a word of the table is negative (on elaboration).
    """

    latency = 4

    def __init__(self, *, table: LinearTable) -> None:
        self.table = table
        super().__init__(
            {
                "i": In(table.in_bits),  #: the argument's code
                "o": Out(range(table.highest + 1)),  #: the value on the chord
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        m.d.comb += self.o.eq(p.linear_table(self.table, p.source(self.i, "i"), name="value").value)
        return m


def reciprocal_table(bits: int) -> LinearTable:
    """1/x for x in [1, 2) as `bits` fraction bits; error below 1.5 units up to 18 bits."""
    return LinearTable(
        function=lambda x: 1 / x, low=1, span=1, in_bits=bits - 1, index_bits=min(8, bits - 2), out_fraction=bits
    )


def sqrt_table(bits: int) -> LinearTable:
    """sqrt(x) for x in [1, 4) as a code of [0, 4); error below 1.5 units up to 18 bits."""
    return LinearTable(
        function=lambda x: math.sqrt(max(x, 1.0)),
        low=0,
        span=4,
        in_bits=bits,
        index_bits=min(8, bits - 1),
        out_fraction=bits - 1,
    )


def exp2_table(bits: int) -> LinearTable:
    """2**x for x in [0, 1); error below 1.5 units up to 18 bits."""
    return LinearTable(
        function=lambda x: 2**x, low=0, span=1, in_bits=bits, index_bits=min(8, bits - 1), out_fraction=bits
    )
