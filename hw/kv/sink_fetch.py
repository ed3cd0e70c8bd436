"""Streams the scores that vision-sink bucketing ranks."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.kv.memory_map import SINK_SCORE_BITS
from hw.kv.config import Config
from hw.kv.layouts import header_layout
from hw.lib.memory_port import ReadSignature
from hw.lib.run_reader import RunReader
from hw.lib.stream import connect, transfer
from hw.lib.width_converter import Narrower

BURST = 16  # words a request


class SinkFetch(wiring.Component):
    """Reads `token_count` scores in order, one a cycle."""

    def __init__(self, *, config: Config) -> None:
        self.config = config
        super().__init__(
            {
                "go": In(1),  #: begin, with a valid header
                "header": In(header_layout()),  #: the job's
                "o": Out(stream.Signature(SINK_SCORE_BITS)),  #: a score a token
                "memory": Out(ReadSignature(config.memory_width)),  #: reads the scores
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        width = self.config.memory_width
        ratio = width // SINK_SCORE_BITS
        m.submodules.reader = reader = RunReader(width=width, depth=2 * BURST, burst=BURST)
        m.submodules.narrower = narrower = Narrower(shape=SINK_SCORE_BITS, ratio=ratio)
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)
        connect(m, narrower.o, self.o)
        left = Signal(range(self.config.spec.tokens + 1))  # scores in words to come
        asking = Signal()
        m.d.comb += [
            reader.i.payload.address.eq(self.header.token_address),
            reader.i.payload.length.eq((self.header.token_count[: len(left)] + (ratio - 1)) // ratio),
            reader.i.valid.eq(asking),
            Value.cast(narrower.i.payload.data).eq(reader.o.payload),
            narrower.i.payload["count"].eq(Mux(left < ratio, left, ratio)),
            narrower.i.valid.eq(reader.o.valid),
            reader.o.ready.eq(narrower.i.ready),
        ]
        with m.If(transfer(reader.i)):
            m.d.sync += asking.eq(0)
        with m.If(transfer(reader.o)):
            m.d.sync += left.eq(left - narrower.i.payload["count"])
        with m.If(self.go):
            m.d.sync += [asking.eq(1), left.eq(self.header.token_count)]
        return m
