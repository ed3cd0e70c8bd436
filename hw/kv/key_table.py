"""Sums of keys of every cluster."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.kv.spec import Spec
from hw.kv.layouts import AddLayout, sums_layout
from hw.lib.memory import two_port_memory


class KeyTable(wiring.Component):
    """Adds chunks of keys to their cluster's sums; equals `golden.kv.key_table`.

    A row holds one chunk of one cluster: row = cluster · token_words + chunk. One addition a cycle.
    An addition is written 2 cycles after it came: the same row must not come again before, which
    holds as tokens have at least 4 chunks. Reading and adding exclude each other.
    """

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        self.rows = spec.clusters * spec.token_words
        super().__init__(
            {
                "add": In(AddLayout(spec)),  #: a chunk of keys, in cycles in which `valid` is high
                #: a row to read, in cycles in which `valid` is high
                "read": In(data.StructLayout({"valid": 1, "row": range(self.rows)})),
                #: the rows read, each a cycle later; the taker must always be ready
                "o": Out(stream.Signature(sums_layout(spec))),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec = self.spec
        write, read = two_port_memory(m, platform, "sums", width=spec.lanes * spec.sum_bits, depth=self.rows)
        sums = self.o.payload
        m.d.comb += [
            read.addr.eq(Mux(self.read.valid, self.read.row, self.add.row)),
            read.en.eq(self.read.valid | (self.add.valid & ~self.add.first)),
            Value.cast(sums).eq(read.data),
        ]
        adding = Signal.like(self.add)
        total = Signal.like(sums)
        row = Signal(range(self.rows))
        writing = Signal()
        m.d.sync += [
            Value.cast(adding).eq(Value.cast(self.add)),
            self.o.valid.eq(self.read.valid),
            row.eq(adding.row),
            writing.eq(adding.valid),
            Value.cast(total).eq(
                Cat((Mux(adding.first, 0, sums.lane[k]) + adding.chunk[k])[: spec.sum_bits] for k in range(spec.lanes))
            ),
        ]
        m.d.comb += [write.addr.eq(row), write.data.eq(Value.cast(total)), write.en.eq(writing)]
        return m
