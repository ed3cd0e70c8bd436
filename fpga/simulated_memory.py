"""A memory for boards that are simulated."""

# Amaranth's ports are attributes made at run time.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

from __future__ import annotations

from amaranth.hdl import Const, Elaboratable, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.lib.memory_port import ReadSignature, WriteSignature
from sim.kernel.memory import DRAM_COUNTERS, PARTS_LAYOUT, external_memory

COUNTS = ("words_read", "words_written", "read_waits", "write_waits")  # 40 bits each
DRAM_BITS = DRAM_COUNTERS.size - 2 * 40  # without the last two of those


class SimulatedMemory(wiring.Component):
    """`external_memory.v` of `sim.kernel` behind the ports of a board's memory; it holds 2**log2_words words."""

    def __init__(self, *, width: int, log2_words: int) -> None:
        self.width, self.log2_words = width, log2_words
        super().__init__(
            {
                "read": In(ReadSignature(width)),  #: its words
                "write": In(WriteSignature(width)),  #: words into it
                "fault": Out(1),  #: since reset there was an address beyond the end
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.memory = external_memory(
            self, width=self.width, log2_words=self.log2_words, dump=Const(0, 1),
            fault=self.fault, fault_address=Signal(32), dram_counters=Signal(DRAM_BITS),
            part_counters=Signal(PARTS_LAYOUT.size),
            **{name: Signal(40) for name in COUNTS},
        )  # fmt: skip
        return m
