"""Writes the log of tokens."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.kv.memory_map import LOG_BYTES
from hw.kv.layouts import header_layout, log_layout
from hw.lib.memory_port import ADDRESS_WIDTH, WriteSignature
from hw.lib.stream import transfer
from hw.lib.width_converter import Widener


class LogWriter(wiring.Component):
    """Packs entries into words and writes them in order; the last word may be partly zero.

    Entries are taken only after `begin`, and as many as there are tokens.
    """

    def __init__(self, *, memory_width: int) -> None:
        self.memory_width = memory_width
        super().__init__(
            {
                "begin": In(1),  #: back to the log's start, with a valid header
                "header": In(header_layout()),  #: the job's
                "i": In(stream.Signature(log_layout())),  #: an entry a token
                "memory": Out(WriteSignature(memory_width)),  #: writes the log, one run
                "idle": Out(1),  #: the entries of all of the job's tokens have left
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        ratio = self.memory_width // (8 * LOG_BYTES)
        m.submodules.widener = widener = Widener(shape=log_layout(), ratio=ratio)
        left = Signal(17)  # entries to come
        address = Signal(ADDRESS_WIDTH)
        request = self.memory.request
        m.d.comb += [
            Value.cast(widener.i.payload.data).eq(Value.cast(self.i.payload)),
            widener.i.payload.last.eq(left == 1),
            widener.i.valid.eq(self.i.valid & (left != 0)),
            self.i.ready.eq(widener.i.ready & (left != 0)),
            request.payload.address.eq(address),
            request.payload.data.eq(Value.cast(widener.o.payload.data)),
            request.payload.last.eq(left == 0),
            request.valid.eq(widener.o.valid),
            widener.o.ready.eq(request.ready),
            self.idle.eq((left == 0) & ~widener.o.valid),
        ]
        with m.If(transfer(self.i)):
            m.d.sync += left.eq(left - 1)
        with m.If(transfer(request)):
            m.d.sync += address.eq(address + self.memory_width // 8)
        with m.If(self.begin):
            m.d.sync += [left.eq(self.header.token_count), address.eq(self.header.log_address)]
        return m
