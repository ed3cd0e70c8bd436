"""The whole link: from the pins of a UART to an engine's job and memory."""

# Amaranth's ports are attributes made at run time.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportCallIssue=false

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from fpga.link.command_unit import CommandUnit
from fpga.link.fault_counters import FaultCounters
from fpga.link.frame_decoder import FrameDecoder
from fpga.link.frame_encoder import FrameEncoder
from fpga.link.protocol import PAYLOAD_BYTES
from fpga.link.uart_receiver import UartReceiver
from fpga.link.uart_transmitter import BITS, UartTransmitter
from hw.lib.ports import forward
from hw.lib.queue import StreamQueue
from hw.lib.stream import connect

QUEUE = 1024  # bytes that wait while an answer is sent
PATIENCE = 1024  # times of a byte on the line, after which a frame has broken off


class HostLink(wiring.Component):
    """Receiver, queue, decoder, command unit, encoder, transmitter.

    A request is obeyed when its last byte has come. Others may follow before its answer has gone: `QUEUE` bytes of them
    are kept, and what comes beyond is dropped and counted.

    Args:
        divisor: clock cycles of a bit. The others are those of `CommandUnit`.

    Raises:
        ValueError: what `CommandUnit` and `UartReceiver` refuse.
    """

    def __init__(
        self,
        *,
        divisor: int,
        width: int,
        memory_bytes: int,
        identity: bytes,
        counter_bits: int,
        patience: int = PATIENCE,
    ) -> None:
        self.divisor, self.patience = divisor, patience
        self.unit = CommandUnit(
            width=width, memory_bytes=memory_bytes, identity=identity, counter_bits=counter_bits
        )  # fmt: skip
        inner = ("frame", "payload", "answer", "answer_payload", "faults")
        self.passed = {name: member for name, member in self.unit.signature.members.items() if name not in inner}
        super().__init__(
            {
                "receive": In(1, init=1),  #: pin: bytes from the host
                "send": Out(1, init=1),  #: pin: bytes to the host
                **self.passed,
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.receiver = receiver = UartReceiver(divisor=self.divisor)
        m.submodules.queue = queue = StreamQueue(shape=8, depth=QUEUE)
        m.submodules.decoder = decoder = FrameDecoder(most=PAYLOAD_BYTES, timeout=self.patience * BITS * self.divisor)
        m.submodules.unit = unit = self.unit
        m.submodules.encoder = encoder = FrameEncoder()
        m.submodules.transmitter = transmitter = UartTransmitter(divisor=self.divisor)
        m.submodules.faults = faults = FaultCounters()
        for source, sink in (
            (receiver.o, queue.i),
            (queue.o, decoder.i),
            (decoder.frame, unit.frame),
            (decoder.payload, unit.payload),
            (unit.answer, encoder.frame),
            (unit.answer_payload, encoder.payload),
            (encoder.o, transmitter.i),
        ):
            connect(m, source, sink)
        forward(m, self, unit, self.passed)
        m.d.comb += [
            receiver.line.eq(self.receive),
            self.send.eq(transmitter.line),
            faults.clear.eq(unit.reset),
            unit.faults.eq(faults.counts),
        ]
        for name, source in (
            ("framing", receiver),
            ("lost", receiver),
            ("bad_crc", decoder),
            ("bad_length", decoder),
            ("timed_out", decoder),
        ):
            m.d.comb += faults.strobes[name].eq(getattr(source, name))
        return m
