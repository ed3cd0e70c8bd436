"""Streams the tokens of a job."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.kv.config import Config
from hw.kv.layouts import header_layout, record_layout
from hw.lib.fork import StreamFork
from hw.lib.memory_port import ReadSignature
from hw.lib.queue import StreamQueue
from hw.lib.run_reader import RUN_LENGTH_BITS, RunReader
from hw.lib.stream import connect, transfer

BURST = 32  # words a request


class TokenFetch(wiring.Component):
    """Reads `token_count` tokens in order; their keys go to the hash unit, all of them to the recent buffer.

    One word a cycle. Every word goes to both. As the recent buffer holds `recent_words`, the hash
    unit is never further ahead of the block store than that.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        record = record_layout(config.spec)
        super().__init__(
            {
                "go": In(1),  #: begin, with a valid header
                "header": In(header_layout()),  #: the job's
                "keys": Out(stream.Signature(record)),  #: all record words, for the hash unit
                #: the same words, held in the recent buffer until their token has a place
                "recent": Out(stream.Signature(record)),
                "memory": Out(ReadSignature(config.memory_width)),  #: reads the tokens
                "busy": Out(1),  #: words are under way or waiting in the recent buffer
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        config = self.config
        record = record_layout(config.spec)
        m.submodules.reader = reader = RunReader(
            width=config.memory_width, depth=config.token_ahead, burst=min(BURST, config.token_ahead)
        )
        m.submodules.fork = fork = StreamFork(shape=record, count=2)
        m.submodules.recent = recent = StreamQueue(shape=record, depth=config.recent_words)
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)
        asking = Signal()
        words = Signal(RUN_LENGTH_BITS)
        m.d.sync += words.eq(self.header.token_count[:16] * config.spec.token_words)
        m.d.comb += [
            reader.i.payload.address.eq(self.header.token_address),
            reader.i.payload.length.eq(words),
            reader.i.valid.eq(asking),
            fork.i.payload.eq(reader.o.payload),
            fork.i.valid.eq(reader.o.valid),
            reader.o.ready.eq(fork.i.ready),
            self.busy.eq(asking | reader.busy | recent.o.valid),
        ]
        with m.If(self.go):
            m.d.sync += asking.eq(1)
        with m.Elif(transfer(reader.i)):
            m.d.sync += asking.eq(0)
        connect(m, fork.o[0], self.keys)
        connect(m, fork.o[1], recent.i)
        connect(m, recent.o, self.recent)
        return m
