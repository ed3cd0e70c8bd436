"""Fetches a job's header."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.kv.memory_map import HEADER_BYTES
from hw.kv.layouts import header_layout
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature
from hw.lib.row_reader import RowReader


class JobFetch(wiring.Component):
    """Reads the header when `start` is high, and holds it from `done` on until the next."""

    def __init__(self, *, memory_width: int) -> None:
        self.memory_width = memory_width
        super().__init__(
            {
                "start": In(1),  #: read the header at `address`
                "address": In(ADDRESS_WIDTH),  #: in bytes; holds from `start` until `done`
                "header": Out(header_layout()),  #: its fields, from `done` on
                "done": Out(1),  #: high for a cycle when all of them are there
                "memory": Out(ReadSignature(memory_width)),  #: where the header lies
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.reader = reader = RowReader(width=self.memory_width, row_bytes=HEADER_BYTES)
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)
        asking = Signal()
        with m.If(self.start):
            m.d.sync += asking.eq(1)
        with m.Elif(reader.i.ready):
            m.d.sync += asking.eq(0)
        m.d.comb += [
            reader.i.payload.eq(self.address),
            reader.i.valid.eq(asking),
            reader.o.ready.eq(1),
            Value.cast(self.header).eq(reader.o.payload),
            self.done.eq(reader.o.valid),
        ]
        return m
