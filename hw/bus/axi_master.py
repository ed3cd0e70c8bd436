"""An engine and its bus units: what one reset ends."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.bus.axi import RESPONSE_BITS, AddressLayout, ReadBeatLayout, WriteBeatLayout
from hw.bus.axi_reader import AxiReader
from hw.bus.axi_writer import AxiWriter
from hw.bus.config import BusConfig
from hw.lib.memory_port import ADDRESS_WIDTH
from hw.lib.ports import forward

CAUSE_BITS = 4
PORTS = ("read", "write")  # what becomes the bus


class AxiMaster(wiring.Component):
    """Any engine with the ports of `hw.lib.engine_ports`, its memory port on the channels of AXI4.

    A read's words come a cycle later than they would without a bus, 2 where the bus is narrower than the engine's
    memory word. An engine that is done may have words on their way to memory: until `idle`.

    Raises:
        InputError: `bus` does not fit the engine's memory port.
    """

    def __init__(self, engine: wiring.Component, *, bus: BusConfig) -> None:
        self.engine = engine
        members = engine.signature.members
        self.width = members["read"].signature.width
        self.bus = bus.of(self.width)
        self.passed = {name: member for name, member in members.items() if name not in PORTS}
        super().__init__(
            {
                **self.passed,
                "stop": In(1),  #: nothing new may go to the bus
                "idle": Out(1),  #: all that was asked of the bus has been answered
                "failed": Out(1),  #: an answer was an error; until reset
                "cause": Out(CAUSE_BITS),  #: which, as in `hw.bus.registers.CAUSES`; with `failed`
                "burst": Out(ADDRESS_WIDTH),  #: address of the burst that failed, with `failed`
                "ar": Out(stream.Signature(AddressLayout())),  #: bursts to read
                "r": In(stream.Signature(ReadBeatLayout(self.bus.width))),  #: their beats, in order
                "aw": Out(stream.Signature(AddressLayout())),  #: bursts to write
                "w": Out(stream.Signature(WriteBeatLayout(self.bus.width))),  #: their beats, in order
                "b": In(stream.Signature(RESPONSE_BITS)),  #: a response to each of them, in order
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.engine = engine = self.engine
        m.submodules.reader = reader = AxiReader(width=self.width, bus=self.bus)
        m.submodules.writer = writer = AxiWriter(width=self.width, bus=self.bus)
        forward(m, self, engine, self.passed)
        wiring.connect(m, engine.read, reader.memory)
        wiring.connect(m, engine.write, writer.memory)
        wiring.connect(m, reader.order, writer.order)
        forward(m, self, reader, ("ar", "r", "stop"))
        forward(m, self, writer, ("aw", "w", "b", "stop"))
        m.d.comb += [
            self.idle.eq(reader.idle & writer.idle),
            self.failed.eq(reader.failed | writer.failed),
            self.cause.eq(Cat(Mux(reader.failed, reader.response, writer.response), ~reader.failed, Const(0, 1))),
            self.burst.eq(Mux(reader.failed, reader.address, writer.address)),
        ]
        return m
