"""Writes a view's results: a summary, and a record for every visited subtree."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.lod.memory_map import RESULT, RESULT_BYTES, SUMMARY
from hw.lib.memory_port import ADDRESS_WIDTH, WriteSignature
from hw.lib.queue import StreamQueue
from hw.lib.stream import transfer
from hw.lib.width_converter import Widener
from hw.lod.config import Config
from hw.lod.layouts import layout_of

WORDS_WAITING = 4


class ResultWriter(wiring.Component):
    """Packs records into words; while one is filled, others wait to be written.

    One record a cycle. The first word of a view's results is reserved for the summary. On `finish`
    an incomplete last word is written, then the summary.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        super().__init__(
            {
                "start": In(1),  #: a view's results begin
                "address": In(ADDRESS_WIDTH),  #: where; constant until `finished`
                "i": In(stream.Signature(layout_of(RESULT))),  #: records of the view
                "finish": In(1),  #: the view has no more records; holds until `finished`
                "finished": Out(1),  #: the summary, and all before it, has been taken; until the next `start`
                "summary": In(layout_of(SUMMARY)),  #: the view's counts; constant while `finish`
                "write": Out(WriteSignature(config.memory_width)),  #: to memory
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        width = self.config.memory_width
        ratio = self.config.word_bytes // RESULT_BYTES
        record = layout_of(RESULT)
        m.submodules.widener = widener = Widener(shape=record, ratio=ratio)
        m.submodules.queue = queue = StreamQueue(shape=width, depth=WORDS_WAITING)
        begun = Signal(range(ratio))  # records in the word that is being filled
        closing = Signal()
        m.d.comb += [
            # A last word that is not full is closed by an empty record.
            closing.eq(self.finish & (begun != 0)),
            widener.i.payload.data.eq(Mux(closing, 0, Value.cast(self.i.payload))),
            widener.i.payload.last.eq(closing),
            widener.i.valid.eq(self.i.valid | closing),
            self.i.ready.eq(widener.i.ready & ~closing),
            queue.i.payload.eq(Value.cast(widener.o.payload.data)),
            queue.i.valid.eq(widener.o.valid),
            widener.o.ready.eq(queue.i.ready),
        ]
        with m.If(transfer(widener.i)):
            m.d.sync += begun.eq(Mux(closing | (begun == ratio - 1), 0, begun + 1))

        address = Signal(ADDRESS_WIDTH)
        request = self.write.request
        summed = Signal()
        drained = Signal()
        m.d.comb += [
            drained.eq(self.finish & (begun == 0) & ~widener.o.valid & (queue.level == 0)),
            request.valid.eq(queue.o.valid | (drained & ~summed)),
            request.payload.address.eq(Mux(queue.o.valid, address, self.address)),
            request.payload.data.eq(Mux(queue.o.valid, queue.o.payload, Value.cast(self.summary))),
            request.payload.last.eq(1),
            queue.o.ready.eq(request.ready),
            self.finished.eq(summed),
        ]
        with m.If(self.start):
            m.d.sync += [address.eq(self.address + width // 8), summed.eq(0)]
        with m.Elif(transfer(request)):
            m.d.sync += address.eq(address + width // 8)
            with m.If(~queue.o.valid):
                m.d.sync += summed.eq(1)
        return m
