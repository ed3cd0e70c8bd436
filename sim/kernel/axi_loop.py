"""An engine's memory port through AXI4 and back: what a bus costs, all else being equal."""

# Amaranth's ports are attributes made at run time.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

from __future__ import annotations

from dataclasses import replace

from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.bus.axi import RESPONSE_BITS, AddressLayout, ReadBeatLayout, WriteBeatLayout
from hw.bus.axi_master import PORTS, AxiMaster
from hw.bus.config import BusConfig
from hw.lib.memory_port import ReadSignature, WriteSignature
from hw.lib.ports import forward
from hw.lib.queue import StreamQueue
from hw.lib.stream import connect, transfer
from sim.kernel.run import Operation, W

WRITE_RESPONSE = 16  # cycles from a burst's last beat to its response


class AxiMemory(wiring.Component):
    """An AXI4 slave on a memory port of the same width. Reads pass at once; no burst is longer than a request."""

    def __init__(self, *, width: int) -> None:
        self.width = width
        super().__init__(
            {
                "ar": In(stream.Signature(AddressLayout())),  #: bursts to read
                "r": Out(stream.Signature(ReadBeatLayout(width))),  #: their beats
                "aw": In(stream.Signature(AddressLayout())),  #: bursts to write
                "w": In(stream.Signature(WriteBeatLayout(width))),  #: their beats
                "b": Out(stream.Signature(RESPONSE_BITS)),  #: a response to each
                "read": Out(ReadSignature(width)),  #: where words are read
                "write": Out(WriteSignature(width)),  #: where words are written
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        request, response = self.read.request, self.read.response
        m.d.comb += [
            request.payload.address.eq(self.ar.payload.address),
            request.payload.length.eq(self.ar.payload.length + 1),
            request.valid.eq(self.ar.valid),
            self.ar.ready.eq(request.ready),
            self.r.payload.data.eq(response.payload.data),
            self.r.payload.last.eq(response.payload.last),
            self.r.valid.eq(response.valid),
            response.ready.eq(self.r.ready),
        ]
        self._write(m)
        return m

    def _write(self, m: Module) -> None:
        m.submodules.bursts = bursts = StreamQueue(shape=AddressLayout(), depth=64)
        connect(m, wiring.flipped(self.aw), bursts.i)
        request, done = Signal(8), Signal(WRITE_RESPONSE)
        write = self.write.request
        due = Signal(8)  # responses
        m.d.comb += [
            write.payload.address.eq(bursts.o.payload.address + (request << (self.width // 8 - 1).bit_length())),
            write.payload.data.eq(self.w.payload.data),
            write.payload.last.eq(self.w.payload.last),
            write.valid.eq(self.w.valid & bursts.o.valid),
            self.w.ready.eq(write.ready & bursts.o.valid),
            bursts.o.ready.eq(transfer(self.w) & self.w.payload.last),
            self.b.valid.eq(due != 0),
        ]
        with m.If(transfer(self.w)):
            m.d.sync += [request.eq(request + 1)]
            with m.If(self.w.payload.last):
                m.d.sync += request.eq(0)
        m.d.sync += [done.eq(done << 1 | bursts.o.ready), due.eq(due + done[-1] - transfer(self.b))]


class AxiLoop(wiring.Component):
    """`engine` with the same ports, its memory port through `AxiMaster` and `AxiMemory`."""

    def __init__(self, engine: wiring.Component, *, bus: BusConfig) -> None:
        self.master = AxiMaster(engine, bus=bus)
        self.engine = engine
        super().__init__(engine.signature)

    @property
    def taps(self) -> dict[str, stream.Interface]:
        """The engine's."""
        return self.engine.taps

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.master = master = self.master
        m.submodules.memory = memory = AxiMemory(width=master.width)
        forward(m, self, master, [name for name in self.signature.members if name not in (*PORTS, "busy")])
        forward(m, self, memory, PORTS)
        m.d.comb += self.busy.eq(master.busy | ~master.idle)
        for name in ("ar", "aw", "w"):
            connect(m, getattr(master, name), getattr(memory, name))
        for name in ("r", "b"):
            connect(m, getattr(memory, name), getattr(master, name))
        return m


def on_axi(operation: Operation[W], bus: BusConfig = BusConfig()) -> Operation[W]:
    """The operation by an engine whose memory port goes through AXI4 and back; counters are the engine's own."""
    return replace(
        operation,
        engine=f"{operation.engine}_axi4",
        top=lambda workload: AxiLoop(operation.top(workload), bus=bus),
    )
