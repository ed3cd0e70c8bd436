"""Writes what pixels got."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.radiance.memory_map import RESULT_BYTES
from hw.lib.memory_port import ADDRESS_WIDTH, WriteSignature
from hw.lib.queue import StreamQueue
from hw.lib.run_reader import RUN_LENGTH_BITS
from hw.lib.stream import transfer
from hw.lib.width_converter import Widener
from hw.radiance.config import Config
from hw.radiance.layouts import AnswerLayout, result_layout

WORDS_WAITING = 4


class ResultWriter(wiring.Component):
    """Packs a region's results into words; one a cycle. The last word is written even if it is not full."""

    def __init__(self, *, config: Config) -> None:
        self.config = config
        super().__init__(
            {
                "start": In(1),  #: a region begins; not while `busy`
                "address": In(ADDRESS_WIDTH),  #: where its results go, in bytes
                "count": In(RUN_LENGTH_BITS),  #: of its pixels, 1 or more
                "i": In(stream.Signature(AnswerLayout(config.spec))),  #: what its pixels get, in order
                "busy": Out(1),  #: results are still to come, or to be taken by `write`
                "write": Out(WriteSignature(config.memory_width)),  #: to memory
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        config, spec = self.config, self.config.spec
        layout = result_layout(spec)
        m.submodules.widener = widener = Widener(shape=layout, ratio=config.word_bytes // RESULT_BYTES)
        m.submodules.queue = queue = StreamQueue(shape=config.memory_width, depth=WORDS_WAITING)
        left = Signal(RUN_LENGTH_BITS)  # results that have not come
        address = Signal(ADDRESS_WIDTH)
        answer, row = self.i.payload, widener.i.payload.data
        request = self.write.request
        m.d.comb += [
            *(row[f"colour_{k}"].eq(answer.colour.word_select(k, 8)) for k in range(spec.channels)),
            row.hit.eq(answer.hit),
            widener.i.payload.last.eq(left == 1),
            widener.i.valid.eq(self.i.valid & (left != 0)),
            self.i.ready.eq(widener.i.ready & (left != 0)),
            queue.i.payload.eq(Value.cast(widener.o.payload.data)),
            queue.i.valid.eq(widener.o.valid),
            widener.o.ready.eq(queue.i.ready),
            request.payload.address.eq(address),
            request.payload.data.eq(queue.o.payload),
            request.payload.last.eq(1),
            request.valid.eq(queue.o.valid),
            queue.o.ready.eq(request.ready),
            self.busy.eq((left != 0) | widener.o.valid | (queue.level != 0)),
        ]
        with m.If(self.start):
            m.d.sync += [left.eq(self.count), address.eq(self.address)]
        with m.Else():
            m.d.sync += left.eq(left - transfer(self.i))
            with m.If(transfer(request)):
                m.d.sync += address.eq(address + config.word_bytes)
        return m
