"""Writes the list of a scan's selected tokens."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.kv.memory_map import ENTRY_BYTES
from hw.kv.config import Config
from hw.kv.layouts import scan_entry_layout
from hw.kv.token_picker import PickedLayout
from hw.lib.memory_port import ADDRESS_WIDTH, WriteSignature
from hw.lib.stream import transfer
from hw.lib.width_converter import Widener


class ListWriter(wiring.Component):
    """An entry that says how many tokens follow, and an entry a token; the last word may be partly zero."""

    def __init__(self, *, config: Config) -> None:
        self.config = config
        spec = config.spec
        super().__init__(
            {
                "begin": In(1),  #: a list starts
                "address": In(ADDRESS_WIDTH),  #: where; sampled with `begin`
                "count": In(range(spec.scan_tokens + 1)),  #: how many tokens it has; sampled with `begin`
                "values_only": In(1),  #: their records are values alone; sampled with `begin`
                "i": In(stream.Signature(PickedLayout(spec))),  #: as many tokens, taken after `begin`
                "memory": Out(WriteSignature(config.memory_width)),  #: writes the list, one run
                "idle": Out(1),  #: the whole list has left
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        word_bytes = self.config.word_bytes
        layout = scan_entry_layout()
        m.submodules.widener = widener = Widener(shape=layout, ratio=word_bytes // ENTRY_BYTES)
        left = Signal.like(self.count)  # tokens to come
        count = Signal.like(self.count)
        heading, values_only = Signal(), Signal()
        address = Signal(ADDRESS_WIDTH)
        entry = Signal(layout)
        request = self.memory.request
        m.d.comb += [
            entry.token.eq(Mux(heading, count, self.i.payload.token)),
            entry.score.eq(Mux(heading, values_only, self.i.payload.score)),
            Value.cast(widener.i.payload.data).eq(Value.cast(entry)),
            widener.i.payload.last.eq(Mux(heading, left == 0, left == 1)),
            widener.i.valid.eq(heading | (self.i.valid & (left != 0))),
            self.i.ready.eq(widener.i.ready & ~heading & (left != 0)),
            request.payload.address.eq(address),
            request.payload.data.eq(Value.cast(widener.o.payload.data)),
            request.payload.last.eq((left == 0) & ~heading),
            request.valid.eq(widener.o.valid),
            widener.o.ready.eq(request.ready),
            self.idle.eq((left == 0) & ~heading & ~widener.o.valid),
        ]
        with m.If(heading & widener.i.ready):
            m.d.sync += heading.eq(0)
        with m.If(transfer(self.i)):
            m.d.sync += left.eq(left - 1)
        with m.If(transfer(request)):
            m.d.sync += address.eq(address + word_bytes)
        with m.If(self.begin):
            m.d.sync += [
                heading.eq(1),
                values_only.eq(self.values_only),
                left.eq(self.count),
                count.eq(self.count),
                address.eq(self.address),
            ]
        return m
