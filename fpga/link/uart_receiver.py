"""Serial line to bytes."""

# Amaranth's ports are attributes made at run time.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportCallIssue=false

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

MIN_DIVISOR = 4


class UartReceiver(wiring.Component):
    """Takes 8N1: a start bit of 0, eight bits with the lowest first, a stop bit of 1.

    Every bit is sampled once, in its middle, `divisor` clock cycles after the one before. The line cannot wait: a
    byte that comes while the one before is still offered is dropped, and `lost` says so. A byte without its stop bit is
    dropped too; the next one is looked for when the line is 1 again. A start bit that is over before its middle was
    none. A byte is offered 2 to 4 cycles after the middle of its stop bit.

    Raises:
        ValueError: `divisor` is below 4.
    """

    def __init__(self, *, divisor: int) -> None:
        if divisor < MIN_DIVISOR:
            raise ValueError(f"UartReceiver: divisor must be at least {MIN_DIVISOR}, it is {divisor}")
        self.divisor = divisor
        super().__init__(
            {
                "line": In(1, init=1),  #: the pin, in no relation to the clock; 1 at rest
                "o": Out(stream.Signature(8)),  #: bytes
                "framing": Out(1),  #: a byte had no stop bit; for one cycle
                "lost": Out(1),  #: a byte was dropped for want of room; for one cycle
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        line = Signal(init=1)
        m.submodules.synchroniser = FFSynchronizer(self.line, line, init=1)
        wait = Signal(range(self.divisor))
        sample = Signal()
        bits = Signal(8)
        left = Signal(range(8))
        m.d.comb += sample.eq(wait == 0)
        m.d.sync += [wait.eq(Mux(sample, self.divisor - 1, wait - 1)), self.framing.eq(0), self.lost.eq(0)]
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.FSM():
            with m.State("REST"):
                with m.If(~line):
                    m.d.sync += wait.eq(self.divisor // 2 - 1)
                    m.next = "BEGIN"
            with m.State("BEGIN"), m.If(sample):
                m.d.sync += left.eq(7)
                m.next = "BITS"
                with m.If(line):
                    m.next = "REST"
            with m.State("BITS"), m.If(sample):
                m.d.sync += [bits.eq(Cat(bits[1:], line)), left.eq(left - 1)]
                with m.If(left == 0):
                    m.next = "END"
            with m.State("END"), m.If(sample):
                m.next = "REST"
                with m.If(~line):
                    m.d.sync += self.framing.eq(1)
                    m.next = "BROKEN"
                with m.Elif(self.o.valid & ~self.o.ready):
                    m.d.sync += self.lost.eq(1)
                with m.Else():
                    m.d.sync += [self.o.payload.eq(bits), self.o.valid.eq(1)]
            with m.State("BROKEN"), m.If(line):
                m.next = "REST"
        return m
