"""Values as a table of bytes."""

# Amaranth's ports are attributes made at run time.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

ROW = 16  # bytes


class ByteTable(wiring.Component):
    """o = byte `index` of `values`.

    Latency 2 cycles: a register behind the bytes of each row of 16, and one behind the rows.

    Raises:
        ValueError: `size` is below 1.
    """

    latency = 2

    def __init__(self, *, size: int) -> None:
        if size < 1:
            raise ValueError(f"ByteTable: size must be at least 1, it is {size}")
        self.size = size
        super().__init__(
            {
                "values": In(8 * size),  #: the bytes, the first at the lowest bits
                "index": In(range(size)),  #: the byte's number
                "o": Out(8),  #: the byte
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        rows = -(-self.size // ROW)
        chosen, row = Signal(8 * rows), Signal(range(max(rows, 2)))
        m.d.sync += row.eq(self.index // ROW)
        for k in range(rows):
            m.d.sync += chosen.word_select(k, 8).eq(
                self.values[8 * ROW * k : 8 * ROW * (k + 1)].word_select(self.index % ROW, 8)
            )
        m.d.sync += self.o.eq(chosen.word_select(row, 8))
        return m
