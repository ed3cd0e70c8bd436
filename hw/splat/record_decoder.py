"""Indices to codes: what stands between the fetch of records and the fine filter where there are codebooks."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.splat.spec import Spec
from hw.lib.stream import connect
from hw.lib.stream_pipeline import StreamPipeline
from hw.splat.index_lookup import IndexLookup
from hw.splat.layouts import BookLineLayout, DetailLayout, IndexedLayout
from hw.splat.lookup_pair import LookupPair


class RecordDecoder(wiring.Component):
    """Gives every candidate, and with two fine units its partner, the record that its indices stand for.

    4 cycles, one candidate or pair a cycle.

    Takes nothing while `hold`: the books are not there yet. Lines come only then, and not before the last candidate of
    the frame before has left.
    """

    def __init__(self, *, spec: Spec, units: int = 1) -> None:
        self.spec, self.units = spec, units
        super().__init__(
            {
                "i": In(stream.Signature(IndexedLayout(spec, units))),  #: candidates with indices, and marks
                "hold": In(1),  #: the frame's books are not all there yet
                "line": In(BookLineLayout()),  #: a line or entry of a book to keep, while `look` or `sh`
                "o": Out(stream.Signature(DetailLayout(spec, units))),  #: the same with whole records, in order
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        lookup = LookupPair(spec=self.spec) if self.units > 1 else IndexLookup(spec=self.spec)
        m.submodules.pipeline = pipeline = StreamPipeline(lookup)
        m.d.comb += [
            lookup.line.eq(self.line),
            pipeline.i.payload.eq(self.i.payload),
            pipeline.i.valid.eq(self.i.valid & ~self.hold),
            self.i.ready.eq(pipeline.i.ready & ~self.hold),
        ]
        connect(m, pipeline.o, self.o)
        return m
