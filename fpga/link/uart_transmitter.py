"""Bytes to serial line."""

# Amaranth's ports are attributes made at run time.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportCallIssue=false

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

BITS = 10  # start bit, data, stop bit


class UartTransmitter(wiring.Component):
    """Sends 8N1: a start bit of 0, eight bits with the lowest first, a stop bit of 1.

    A bit takes `divisor` clock cycles. The start bit follows the byte in the next cycle; a byte takes
    10 `divisor` + 1 cycles.

    Raises:
        ValueError: `divisor` is below 2.
    """

    def __init__(self, *, divisor: int) -> None:
        if divisor < 2:
            raise ValueError(f"UartTransmitter: divisor must be at least 2, it is {divisor}")
        self.divisor = divisor
        super().__init__(
            {
                "i": In(stream.Signature(8)),  #: bytes
                "line": Out(1, init=1),  #: the pin, from a register; 1 at rest
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        rest = Signal(BITS - 1, init=(1 << (BITS - 1)) - 1)  # of the byte, behind the bit that is on the line
        left = Signal(range(BITS + 1))
        wait = Signal(range(self.divisor))
        m.d.comb += self.i.ready.eq(left == 0)
        with m.If(left == 0):
            with m.If(self.i.valid):
                m.d.sync += [self.line.eq(0), rest.eq(Cat(self.i.payload, Const(1, 1)))]
                m.d.sync += [left.eq(BITS), wait.eq(self.divisor - 1)]
        with m.Elif(wait != 0):
            m.d.sync += wait.eq(wait - 1)
        with m.Else():
            m.d.sync += [self.line.eq(rest[0]), rest.eq(Cat(rest[1:], Const(1, 1)))]
            m.d.sync += [left.eq(left - 1), wait.eq(self.divisor - 1)]
        return m
