"""Bytes into memory."""

# Amaranth's ports are attributes made at run time.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.memory_port import ADDRESS_WIDTH, WriteSignature
from hw.lib.stream import transfer
from hw.lib.width_converter import Widener


class MemoryWriter(wiring.Component):
    """Writes bytes, whole words of them, to rising addresses from the one that `begin` has set.

    A word is offered one cycle after its last byte is taken.

    Raises:
        ValueError: `width` is no power of two of at least 32.
    """

    def __init__(self, *, width: int) -> None:
        self.width = width
        super().__init__(
            {
                "begin": In(1),  #: the next byte is the first at `address`; while nothing is on its way
                "address": In(ADDRESS_WIDTH),  #: of a word, in bytes
                "i": In(stream.Signature(8)),  #: bytes, the lowest of each word first
                "busy": Out(1),  #: a word is on its way
                "write": Out(WriteSignature(width)),  #: the words, each a run of its own
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.words = words = Widener(shape=8, ratio=self.width // 8)
        request, address = self.write.request, Signal(ADDRESS_WIDTH)
        m.d.comb += [
            words.i.payload.data.eq(self.i.payload),
            words.i.valid.eq(self.i.valid),
            self.i.ready.eq(words.i.ready),
            request.payload.address.eq(address),
            request.payload.data.eq(Value.cast(words.o.payload.data)),
            request.payload.last.eq(1),
            request.valid.eq(words.o.valid),
            words.o.ready.eq(request.ready),
            self.busy.eq(words.o.valid),
        ]
        with m.If(transfer(request)):
            m.d.sync += address.eq(address + self.width // 8)
        with m.If(self.begin):
            m.d.sync += address.eq(self.address)
        return m
