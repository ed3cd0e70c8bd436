"""An engine with its memory, and a place on the memory's port for whoever loads it."""

# Amaranth's ports are attributes made at run time.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Member, Out, connect, flipped

from fpga.link.layouts import WORDS_BITS
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature, WriteSignature
from hw.lib.ports import forward
from hw.lib.read_arbiter import ReadArbiter
from hw.lib.stream import transfer
from hw.lib.write_arbiter import WriteArbiter

OUTSTANDING = 16  # bursts under way


def chip_pins(memory: wiring.Component) -> dict[str, Member]:
    """The ports of a memory, by name, that lead to a chip beside the FPGA."""
    return {name: member for name, member in memory.signature.members.items() if name == "pins"}


class EngineSystem(wiring.Component):
    """Joins engine and loader to one memory.

    The engine has the ports of `engine_ports`; other inputs of it stay 0. The memory has the ports `read` and `write`,
    seen from itself; if it has a port `pins`, that is here too. `read` and `write` are shared by arbiters, which cost
    a request 1 cycle. An access of the engine beyond `memory_bytes` sets `fault`; what the memory then gives or keeps
    is its own affair.
    """

    def __init__(self, *, engine: wiring.Component, memory: wiring.Component, width: int, memory_bytes: int) -> None:
        self.engine, self.memory, self.width, self.memory_bytes = engine, memory, width, memory_bytes
        self.counter_bits = len(Value.cast(engine.counters))
        super().__init__(
            {
                **chip_pins(memory),
                "start": In(1),  #: begin the job whose header lies at `address`; ignored while `busy`
                "address": In(ADDRESS_WIDTH),  #: of the header, in bytes
                "busy": Out(1),  #: a job is under way
                "fault": Out(1),  #: since its start it has reached beyond the memory's end
                "words_read": Out(WORDS_BITS),  #: by the engine since the start
                "words_written": Out(WORDS_BITS),  #: by the engine since the start
                "counters": Out(self.counter_bits),  #: the engine's
                "read": In(ReadSignature(width)),  #: the loader's
                "write": In(WriteSignature(width)),  #: the loader's
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.engine = engine = self.engine
        m.submodules.memory = memory = self.memory
        forward(m, self, memory, chip_pins(memory))
        m.submodules.reads = reads = ReadArbiter(width=self.width, count=2, outstanding=OUTSTANDING)
        m.submodules.writes = writes = WriteArbiter(width=self.width, count=2)
        connect(m, reads.memory, memory.read)
        connect(m, writes.memory, memory.write)
        for k, (read, write) in enumerate(((engine.read, engine.write), (flipped(self.read), flipped(self.write)))):
            connect(m, read, reads.clients[k])
            connect(m, write, writes.clients[k])
        m.d.comb += [
            engine.start.eq(self.start),
            engine.address.eq(self.address),
            self.busy.eq(engine.busy),
            self.counters.eq(Value.cast(engine.counters)),
        ]
        self._count(m, engine)
        return m

    def _count(self, m: Module, engine: wiring.Component) -> None:
        """Words of the engine's, and whether one lay beyond the end."""
        m.d.sync += [
            self.words_read.eq(self.words_read + transfer(engine.read.response)),
            self.words_written.eq(self.words_written + transfer(engine.write.request)),
        ]
        request, write = engine.read.request, engine.write.request
        end = Signal(ADDRESS_WIDTH + 1)  # of the last burst that was asked for
        written = Signal(ADDRESS_WIDTH)  # the last word that was written
        m.d.sync += end.eq(0)
        m.d.sync += written.eq(0)
        with m.If(transfer(request)):
            m.d.sync += end.eq(request.payload.address + request.payload.length * (self.width // 8))
        with m.If(transfer(write)):
            m.d.sync += written.eq(write.payload.address)
        with m.If((end > self.memory_bytes) | (written >= self.memory_bytes)):
            m.d.sync += self.fault.eq(1)
        with m.If(self.start):
            m.d.sync += [self.fault.eq(0), self.words_read.eq(0), self.words_written.eq(0)]
