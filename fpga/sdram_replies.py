"""Words out of the columns that an SDRAM has read."""

# Amaranth's ports are attributes made at run time.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from fpga.sdram_layouts import ReadMark
from fpga.sdram_timing import CAS_LATENCY, DATA_BITS
from hw.lib.memory_port import ReadDataLayout
from hw.lib.queue import StreamQueue
from hw.lib.stream import connect

#: Cycles from the one in which READ is at the controller's pins to that in which its data is; see `SdramPins`.
DELAY = CAS_LATENCY + 1


class SdramReplies(wiring.Component):
    """Gathers columns into words, the first one lowest, and keeps up to `room` words until they are taken.

    Whoever reads must not have more than `room` words under way: the chip does not wait.
    """

    def __init__(self, *, width: int, room: int) -> None:
        self.width, self.room = width, room
        super().__init__(
            {
                "mark": In(ReadMark()),  #: of the command at the pins
                "data": In(DATA_BITS),  #: from the pins
                "o": Out(stream.Signature(ReadDataLayout(width))),  #: the words
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.words = words = StreamQueue(shape=ReadDataLayout(self.width), depth=self.room)
        connect(m, words.o, self.o)
        mark = self.mark
        for number in range(DELAY):
            after = Signal(ReadMark(), name=f"mark_{number}")
            m.d.sync += after.eq(mark)
            mark = after
        word, ended, last = Signal(self.width), Signal(), Signal()
        with m.If(mark.column):
            m.d.sync += word.eq(Cat(word[DATA_BITS:], self.data))
        m.d.sync += [ended.eq(mark.column & mark.end), last.eq(mark.last)]
        m.d.comb += [words.i.payload.data.eq(word), words.i.payload.last.eq(last), words.i.valid.eq(ended)]
        return m
