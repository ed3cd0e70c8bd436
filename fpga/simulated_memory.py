"""A memory for boards that are simulated."""

# Amaranth's ports are attributes made at run time.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

from __future__ import annotations

from amaranth.hdl import ClockSignal, Const, Elaboratable, Instance, Module, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.lib.memory_port import ReadSignature, WriteSignature
from sim.kernel.memory import DRAM_COUNTERS

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
        request, response, write = self.read.request, self.read.response, self.write.request
        counts = {name: Signal(40) for name in COUNTS}
        m.submodules.memory = Instance(
            "external_memory",
            p_WIDTH=self.width,
            p_LOG2_WORDS=self.log2_words,
            i_clk=ClockSignal(),
            i_rst=ResetSignal(),
            i_request_address=request.payload.address,
            i_request_length=request.payload.length,
            i_request_valid=request.valid,
            o_request_ready=request.ready,
            o_response_data=response.payload.data,
            o_response_last=response.payload.last,
            o_response_valid=response.valid,
            i_response_ready=response.ready,
            i_write_address=write.payload.address,
            i_write_data=write.payload.data,
            i_write_valid=write.valid,
            o_write_ready=write.ready,
            i_dump=Const(0, 1),
            o_fault=self.fault,
            o_fault_address=Signal(32),
            o_dram_counters=Signal(DRAM_BITS),
            **{f"o_{name}": count for name, count in counts.items()},
        )
        return m
