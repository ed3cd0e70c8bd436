"""Bytes to frames, of which only whole and right ones come out."""

# Amaranth's ports are attributes made at run time.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from amaranth.lib.wiring import In, Out

from fpga.link.layouts import HeaderLayout
from fpga.link.protocol import CRC_BYTES, HEADER_BYTES, START_BYTE
from hw.lib.memory import two_port_memory
from hw.lib.stream import transfer


class FrameDecoder(wiring.Component):
    """Finds a start byte, keeps what follows, and gives header and payload on when the CRC is right.

    What precedes a start byte is passed over. A frame with an impossible length, with a wrong CRC, or in which no byte
    comes for `timeout` cycles is dropped and told, each once; then the next start byte is looked for, so that whatever
    the line brings, the decoder waits for a frame again. `payload` follows `frame`; while they are given no byte
    is taken.

    The header is offered 2 cycles after the last byte, the payload at a byte in 2 cycles.

    Raises:
        ValueError: `most` or `timeout` is below 1.
    """

    def __init__(self, *, most: int, timeout: int) -> None:
        for name, value in (("most", most), ("timeout", timeout)):
            if value < 1:
                raise ValueError(f"FrameDecoder: {name} must be at least 1, it is {value}")
        self.most, self.timeout = most, timeout
        self.crc = CRC32_ISO_HDLC().create()
        super().__init__(
            {
                "i": In(stream.Signature(8)),  #: bytes of the line
                "frame": Out(stream.Signature(HeaderLayout())),  #: of a frame that is right
                "payload": Out(stream.Signature(8)),  #: its bytes, as many as the header says
                "bad_crc": Out(1),  #: a frame was dropped for its CRC; for one cycle
                "bad_length": Out(1),  #: for its length, which is above `most`
                "timed_out": Out(1),  #: because it broke off
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.crc = crc = self.crc
        write, read = two_port_memory(m, platform, "memory", width=8, depth=self.most)
        header, place = self.frame.payload, Signal(range(max(self.most, HEADER_BYTES, CRC_BYTES)))
        m.d.comb += [
            crc.data.eq(self.i.payload),
            crc.valid.eq(transfer(self.i)),
            write.data.eq(self.i.payload),
            write.addr.eq(place),
            read.addr.eq(place),
            read.en.eq(0),  # but in FETCH: left alone it would be 1
            self.payload.payload.eq(read.data),
        ]
        waiting = Signal()  # a frame has begun and its next byte is due
        m.d.comb += self.timed_out.eq(_quiet(m, waiting & ~self.i.valid, self.timeout))

        def wait_for_byte() -> Value:
            """High when the byte comes; if it does not, the frame is given up."""
            m.d.comb += [self.i.ready.eq(1), waiting.eq(1)]
            with m.If(self.timed_out):
                m.next = "HUNT"
            return self.i.valid

        def count_to(last: Value | int) -> Value:
            """Counts `place` on, up to `last` and then from 0 again; high in the step behind the last."""
            end = place == last
            m.d.sync += place.eq(place + 1)
            with m.If(end):
                m.d.sync += place.eq(0)
            return end

        with m.FSM(init="HUNT"):
            with m.State("HUNT"):
                m.d.comb += [self.i.ready.eq(1), crc.valid.eq(0), crc.start.eq(1)]
                m.d.sync += place.eq(0)
                with m.If(self.i.valid & (self.i.payload == START_BYTE)):
                    m.next = "HEADER"
            with m.State("HEADER"):
                with m.If(wait_for_byte()):
                    m.d.sync += Value.cast(header).eq(Cat(Value.cast(header)[8:], self.i.payload))
                    with m.If(count_to(HEADER_BYTES - 1)):
                        m.next = "LENGTH"
            with m.State("LENGTH"):
                m.next = "PAYLOAD"
                with m.If(header.length == 0):
                    m.next = "CRC"
                with m.If(header.length > self.most):
                    m.d.comb += self.bad_length.eq(1)
                    m.next = "HUNT"
            with m.State("PAYLOAD"):
                m.d.comb += write.en.eq(self.i.valid)
                with m.If(wait_for_byte()), m.If(count_to(header.length - 1)):
                    m.next = "CRC"
            with m.State("CRC"):
                with m.If(wait_for_byte()), m.If(count_to(CRC_BYTES - 1)):
                    m.next = "JUDGE"
            with m.State("JUDGE"):
                m.next = "FRAME"
                with m.If(~crc.match_detected):
                    m.d.comb += self.bad_crc.eq(1)
                    m.next = "HUNT"
            with m.State("FRAME"):
                m.d.comb += self.frame.valid.eq(1)
                with m.If(self.frame.ready):
                    m.next = "FETCH"
                    with m.If(header.length == 0):
                        m.next = "HUNT"
            with m.State("FETCH"):
                m.d.comb += read.en.eq(1)
                m.next = "GIVE"
            with m.State("GIVE"):
                m.d.comb += self.payload.valid.eq(1)
                with m.If(self.payload.ready):
                    m.next = "FETCH"
                    with m.If(count_to(header.length - 1)):
                        m.next = "HUNT"
        return m


def _quiet(m: Module, silent: Value, cycles: int) -> Value:
    """High in the last of `cycles` cycles in which `silent` was high without a break."""
    count = Signal(range(cycles))
    m.d.sync += count.eq(0)
    with m.If(silent & (count != cycles - 1)):
        m.d.sync += count.eq(count + 1)
    return silent & (count == cycles - 1)
