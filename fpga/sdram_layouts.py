"""What moves between the parts of an SDRAM's controller, and its pins."""

# pyright: reportCallIssue=false

from __future__ import annotations

from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from fpga.sdram_timing import DATA_BITS

BANK_BITS, ADDRESS_BITS = 2, 13


class AccessLayout(data.StructLayout):
    """A word to read or to write."""

    def __init__(self, *, width: int, words: int) -> None:
        super().__init__(
            {
                "place": range(words),  #: the word's number
                "data": width,  #: to write
                "write": 1,  #: it is written, not read
                "last": 1,  #: it ends its burst
            }
        )


class ReadMark(data.StructLayout):
    """What goes with a READ on its way to the chip and back."""

    def __init__(self) -> None:
        super().__init__(
            {
                "column": 1,  #: there is one
                "end": 1,  #: it is its word's last
                "last": 1,  #: the word ends its burst
            }
        )


class SdramPins(wiring.Signature):
    """The chip's pins, seen from the controller: all that it drives comes from registers.

    The pads have one register more on the way out. `read_data` is looked at in the third cycle behind the one in which
    READ is here: one for the pads' register, two for the CAS latency.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "ras": Out(1),  #: these three are the command, asserted when high
                "cas": Out(1),  #: of a column, a refresh or the mode
                "we": Out(1),  #: of a write, a precharge or the mode
                "bank": Out(BANK_BITS),  #: of a row or column
                "address": Out(ADDRESS_BITS),  #: row, column or mode; bit 10 says all banks of a precharge
                "mask": Out(1, init=1),  #: both bytes are masked
                "write_data": Out(DATA_BITS),  #: with a WRITE
                "drive": Out(1),  #: `write_data` is driven
                "read_data": In(DATA_BITS),  #: what the chip drives
            }
        )
