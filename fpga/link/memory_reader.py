"""Memory into bytes."""

# Amaranth's ports are attributes made at run time.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature
from hw.lib.stream import transfer
from hw.lib.width_converter import Narrower


class MemoryReader(wiring.Component):
    """Reads words from rising addresses and gives their bytes, the lowest of each word first.

    A word is asked for when the one before has left: the line behind is slower than any memory, and what is asked for
    always has room.

    Raises:
        ValueError: `width` is no power of two of at least 32.
    """

    def __init__(self, *, width: int) -> None:
        self.width = width
        super().__init__(
            {
                "begin": In(1),  #: read from `address` on; while no word is wanted or on its way
                "address": In(ADDRESS_WIDTH),  #: of a word, in bytes
                "wanted": In(1),  #: bytes are still wanted; falls with a word's last byte
                "o": Out(stream.Signature(8)),  #: bytes
                "read": Out(ReadSignature(width)),  #: bursts of one word
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.bytes = split = Narrower(shape=8, ratio=self.width // 8)
        request, response, address = self.read.request, self.read.response, Signal(ADDRESS_WIDTH)
        m.d.comb += [
            request.payload.address.eq(address),
            request.payload.length.eq(1),
            Value.cast(split.i.payload.data).eq(response.payload.data),
            split.i.payload.count.eq(self.width // 8),
            self.o.payload.eq(split.o.payload),
            self.o.valid.eq(split.o.valid),
            split.o.ready.eq(self.o.ready),
        ]
        with m.FSM():
            with m.State("REST"):
                with m.If(self.wanted & ~split.o.valid):
                    m.next = "ASK"
            with m.State("ASK"):
                m.d.comb += request.valid.eq(1)
                with m.If(request.ready):
                    m.next = "WAIT"
            with m.State("WAIT"):
                m.d.comb += [split.i.valid.eq(response.valid), response.ready.eq(split.i.ready)]
                with m.If(transfer(response)):
                    m.d.sync += address.eq(address + self.width // 8)
                    m.next = "REST"
        with m.If(self.begin):
            m.d.sync += address.eq(self.address)
        return m
