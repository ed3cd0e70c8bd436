"""Fetches blocks of query rows, one ahead of the one in use."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.kv.memory_map import query_words
from hw.kv.config import Config
from hw.kv.layouts import header_layout, query_info_layout
from hw.lib.memory import two_port_memory
from hw.lib.memory_port import ReadSignature
from hw.lib.run_reader import RunReader
from hw.lib.stream import transfer


class QueryFetch(wiring.Component):
    """Holds two query blocks: one that is scored, and the next."""

    def __init__(self, *, config: Config) -> None:
        self.config = config
        spec = config.spec
        super().__init__(
            {
                "go": In(1),  #: begin, with a valid header
                "header": In(header_layout()),  #: the job's
                "loaded": Out(1),  #: a block is there
                "info": Out(query_info_layout(spec)),  #: its first word: which rows hold a query, and their shifts
                "release": In(1),  #: the block is no longer needed; the next takes its place
                "chunk": In(range(spec.chunks)),  #: a chunk of the block
                #: that chunk of every row a cycle later, row 0 in the low bits
                "rows": Out(8 * spec.lanes * spec.rows),
                "memory": Out(ReadSignature(config.memory_width)),  #: reads the queries
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec = self.config.spec
        width = self.config.memory_width
        per_chunk = spec.rows // 2  # words
        words = 1 + query_words(spec)
        chunk_bits = (spec.chunks - 1).bit_length()
        depth = 2 << chunk_bits
        m.submodules.reader = reader = RunReader(width=width, depth=2 * words, burst=min(words, 64))
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)
        banks = [two_port_memory(m, platform, f"words_{k}", width=width, depth=depth) for k in range(per_chunk)]
        infos = [Signal(query_info_layout(spec), name=f"info_{k}") for k in range(2)]

        asking = Signal()
        total = Signal(24)
        m.d.sync += total.eq((self.header.query_blocks[:8] * spec.heads) * words)
        m.d.comb += [
            reader.i.payload.address.eq(self.header.query_address),
            reader.i.payload.length.eq(total),
            reader.i.valid.eq(asking),
        ]
        word = Signal(range(words))
        filling, using = Signal(), Signal()  # halves
        held = Signal(range(3))
        whole = Signal()
        m.d.comb += [
            reader.o.ready.eq(held != 2),
            whole.eq(transfer(reader.o) & (word == words - 1)),
            self.loaded.eq(held != 0),
        ]
        with m.If(transfer(reader.o)):
            m.d.sync += word.eq(word + 1)
            with m.If(word == 0):
                for k, info in enumerate(infos):
                    with m.If(filling == k):
                        m.d.sync += info.eq(reader.o.payload)
        with m.If(whole):
            m.d.sync += [word.eq(0), filling.eq(~filling)]
        with m.If(self.release):
            m.d.sync += using.eq(~using)
        m.d.sync += held.eq(held + whole - self.release)
        place = Signal(range(words))
        m.d.comb += place.eq(word - 1)
        chunk = place // per_chunk
        for k, (write, read) in enumerate(banks):
            m.d.comb += [
                write.addr.eq(Cat(chunk[:chunk_bits], filling)),
                write.data.eq(reader.o.payload),
                write.en.eq(transfer(reader.o) & (word != 0) & (place % per_chunk == k)),
                read.addr.eq(Cat(self.chunk[:chunk_bits], using)),
                read.en.eq(self.loaded),
                self.rows.word_select(k, width).eq(read.data),
            ]
        for k, info in enumerate(infos):
            with m.If(using == k):
                m.d.comb += self.info.eq(info)
        with m.If(self.go):
            m.d.sync += [asking.eq(1), word.eq(0), filling.eq(0), using.eq(0), held.eq(0)]
        with m.Elif(transfer(reader.i)):
            m.d.sync += asking.eq(0)
        return m
