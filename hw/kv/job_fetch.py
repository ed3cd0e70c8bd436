"""Fetches a job's header."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.kv.memory_map import HEADER_BYTES
from hw.kv.layouts import header_layout
from hw.kv.run_reader import RunReader
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature
from hw.lib.stream import transfer


class JobFetch(wiring.Component):
    """Reads the header when `start` is high, and holds it from `done` on until the next.

    Members:
        start, address: begin. header: its fields. done: high for a cycle when all are there.
        memory: read port.
    """

    def __init__(self, *, memory_width: int) -> None:
        self.memory_width = memory_width
        super().__init__(
            {
                "start": In(1),
                "address": In(ADDRESS_WIDTH),
                "header": Out(header_layout()),
                "done": Out(1),
                "memory": Out(ReadSignature(memory_width)),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        words = HEADER_BYTES * 8 // self.memory_width
        m.submodules.reader = reader = RunReader(width=self.memory_width, depth=words, burst=words)
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)
        left = Signal(range(words + 1))
        asking = Signal()
        header = Value.cast(self.header)
        m.d.comb += [
            reader.i.payload.address.eq(self.address),
            reader.i.payload.length.eq(words),
            reader.i.valid.eq(asking),
            reader.o.ready.eq(1),
        ]
        m.d.sync += self.done.eq(transfer(reader.o) & (left == 1))
        with m.If(self.start):
            m.d.sync += [asking.eq(1), left.eq(words)]
        with m.If(transfer(reader.i)):
            m.d.sync += asking.eq(0)
        with m.If(transfer(reader.o)):
            m.d.sync += [
                header.eq((header >> self.memory_width) | (reader.o.payload << (len(header) - self.memory_width))),
                left.eq(left - 1),
            ]
        return m
