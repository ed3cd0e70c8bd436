"""A board's memory in an SDR SDRAM, behind the ports of an engine."""

# Amaranth's ports are attributes made at run time.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from fpga.sdram_accesses import SdramAccesses
from fpga.sdram_commands import SdramCommands
from fpga.sdram_layouts import SdramPins
from fpga.sdram_replies import SdramReplies
from fpga.sdram_timing import DATA_BITS, SdramChip, SdramClocks
from golden.errors import InputError
from hw.lib.memory_port import ReadSignature, WriteSignature
from hw.lib.ports import forward
from hw.lib.stream import connect, transfer


class Sdram(wiring.Component):
    """The words of a chip, `width` bits each: `width / 16` columns. What they hold at power-up is not known.

    Reads and writes share a column a cycle, and writes go first: a read that is requested after a write was taken sees
    it. An address beyond the end sets `fault` until reset; what is read there is another word, what is written there
    is dropped. After a reset nothing is served before the chip's power-up, and memory is undefined.

    Raises:
        ValueError: `width` is no power of two of at least 32.
        InputError: a row has less than two words, or a word may last longer than the chip's refreshes are apart.
    """

    def __init__(self, *, width: int, chip: SdramChip, clocks: SdramClocks) -> None:
        self.width, self.chip, self.clocks = width, chip, clocks
        super().__init__(
            {
                "read": In(ReadSignature(width)),  #: its words
                "write": In(WriteSignature(width)),  #: words into it
                "fault": Out(1),  #: since reset there was an address beyond the end
                "pins": Out(SdramPins()),  #: the chip's
            }
        )
        if chip.columns * DATA_BITS < 2 * width:
            raise InputError(f"an SDRAM's row of {chip.columns} columns must hold two words of {width} bits")
        longest = clocks.longest_access(width // DATA_BITS)
        if longest >= clocks.refresh_interval:
            raise InputError(
                f"an SDRAM's refreshes, {clocks.refresh_interval} cycles apart, must leave a word its {longest} cycles"
            )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        columns = self.width // DATA_BITS
        # A word waits for its turn, moves, comes back and is taken: with so many under way the columns never wait.
        room = 3 + -(-8 // columns)
        words = self.chip.size * 8 // self.width
        m.submodules.accesses = accesses = SdramAccesses(width=self.width, words=words, room=room)
        m.submodules.commands = commands = SdramCommands(width=self.width, chip=self.chip, clocks=self.clocks)
        m.submodules.replies = replies = SdramReplies(width=self.width, room=room)
        connect(m, self.read.request, accesses.read)
        connect(m, self.write.request, accesses.write)
        connect(m, accesses.o, commands.i)
        connect(m, replies.o, self.read.response)
        forward(m, self, commands, ["pins"])
        m.d.comb += [
            accesses.taken.eq(transfer(self.read.response)),
            replies.mark.eq(commands.mark),
            replies.data.eq(self.pins.read_data),
            self.fault.eq(accesses.fault),
        ]
        return m
