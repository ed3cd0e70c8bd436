"""Headers and payloads to bytes."""

# Amaranth's ports are attributes made at run time.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportOperatorIssue=false

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from amaranth.lib.wiring import In, Out

from fpga.link.layouts import HeaderLayout
from fpga.link.protocol import CRC_BYTES, HEADER_BYTES, START_BYTE
from hw.lib.stream import transfer


class FrameEncoder(wiring.Component):
    """Sends start byte, header, payload and CRC; the payload has as many bytes as the header says.

    The start byte is offered one cycle after the header is taken. Throughput one byte a cycle.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "frame": In(stream.Signature(HeaderLayout())),  #: header of the frame that is to be sent
                "payload": In(stream.Signature(8)),  #: its bytes
                "o": Out(stream.Signature(8)),  #: bytes for the line
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.crc = crc = CRC32_ISO_HDLC().create()
        header = Signal(HeaderLayout())
        place = Signal(16)
        m.d.comb += [crc.data.eq(self.o.payload), crc.valid.eq(transfer(self.o))]

        def send(byte: Value | int, *, last: Value | int) -> Value:
            """Offers a byte; high when it is taken and `place`, which counts, is `last`, after which it is 0."""
            m.d.comb += [self.o.payload.eq(byte), self.o.valid.eq(1)]
            with m.If(self.o.ready):
                m.d.sync += place.eq(place + 1)
                with m.If(place == last):
                    m.d.sync += place.eq(0)
            return self.o.ready & (place == last)

        with m.FSM():
            with m.State("REST"):
                m.d.comb += self.frame.ready.eq(1)
                m.d.sync += [header.eq(self.frame.payload), place.eq(0)]
                with m.If(self.frame.valid):
                    m.next = "START"
            with m.State("START"):
                m.d.comb += [crc.start.eq(1), crc.valid.eq(0)]
                with m.If(send(START_BYTE, last=0)):
                    m.next = "HEADER"
            with m.State("HEADER"), m.If(send(Value.cast(header).word_select(place[:2], 8), last=HEADER_BYTES - 1)):
                m.next = "PAYLOAD"
                with m.If(header.length == 0):
                    m.next = "CRC"
            with m.State("PAYLOAD"), m.If(self.payload.valid):
                m.d.comb += self.payload.ready.eq(self.o.ready)
                with m.If(send(self.payload.payload, last=header.length - 1)):
                    m.next = "CRC"
            with m.State("CRC"):
                m.d.comb += crc.valid.eq(0)
                with m.If(send(crc.crc.word_select(place[:2], 8), last=CRC_BYTES - 1)):
                    m.next = "REST"
        return m
