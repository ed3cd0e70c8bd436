"""A codebook on chip."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.memory import two_port_memory


class BookTable(wiring.Component):
    """`entries` words of `width` bits, written `per_line` at a time and read one by one.

    A read takes 2 cycles, one a cycle: block RAM, then a register behind the choice among a line's entries. In the
    cycle of a write nothing is read. Contents are not reset.

    Raises:
        ValueError: `entries` or `per_line` is no power of two, or there are less than two lines.
    """

    latency = 2

    def __init__(self, *, width: int, entries: int, per_line: int) -> None:
        for name, value in (("entries", entries), ("per_line", per_line)):
            if value < 1 or value & (value - 1):
                raise ValueError(f"BookTable: {name} must be a power of two, it is {value}")
        if entries < 2 * per_line:
            raise ValueError(f"BookTable: entries must be at least 2·per_line = {2 * per_line}, it is {entries}")
        self.width, self.entries, self.per_line = width, entries, per_line
        super().__init__(
            {
                "write": In(1),  #: a line is written
                "line": In(range(entries // per_line)),  #: its number
                "data": In(data.ArrayLayout(width, per_line)),  #: its entries
                "index": In(range(entries)),  #: which entry to read, where nothing is written
                "o": Out(width),  #: the entry, 2 cycles later
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        per_line = self.per_line
        write, read = two_port_memory(
            m, platform, "memory", width=per_line * self.width, depth=self.entries // per_line
        )
        chosen_bits = per_line.bit_length() - 1
        m.d.comb += [
            write.en.eq(self.write),
            write.addr.eq(self.line),
            write.data.eq(self.data.as_value()),
            read.en.eq(~self.write),
            read.addr.eq(self.index[chosen_bits:]),
        ]
        if chosen_bits:
            chosen = Signal(chosen_bits)
            m.d.sync += [chosen.eq(self.index[:chosen_bits]), self.o.eq(read.data.word_select(chosen, self.width))]
        else:
            m.d.sync += self.o.eq(read.data)
        return m
