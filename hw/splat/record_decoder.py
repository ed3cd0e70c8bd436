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


class RecordDecoder(wiring.Component):
    """Gives every candidate the record that its indices stand for; 4 cycles, one a cycle.

    Takes nothing while `hold`: the books are not there yet. Lines come only then, and not before the last candidate of
    the frame before has left.
    """

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        super().__init__(
            {
                "i": In(stream.Signature(IndexedLayout(spec))),  #: candidates with indices, and marks
                "hold": In(1),  #: the frame's books are not all there yet
                "line": In(BookLineLayout()),  #: a line of a book to keep, while `look` or `sh`
                "o": Out(stream.Signature(DetailLayout(spec))),  #: the same with whole records, in order
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        lookup = IndexLookup(spec=self.spec)
        m.submodules.pipeline = pipeline = StreamPipeline(lookup)
        m.d.comb += [
            lookup.line.eq(self.line),
            pipeline.i.payload.eq(self.i.payload),
            pipeline.i.valid.eq(self.i.valid & ~self.hold),
            self.i.ready.eq(pipeline.i.ready & ~self.hold),
        ]
        connect(m, pipeline.o, self.o)
        return m
