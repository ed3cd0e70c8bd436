"""Gathers the records of tokens by their numbers."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.kv.memory_map import scan_record_words
from hw.kv.config import Config
from hw.kv.token_picker import PickedLayout
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature, WriteSignature
from hw.lib.run_reader import RunReader
from hw.lib.stream import transfer


class RecordFetch(wiring.Component):
    """Reads a token's value, or its key and its value, in one burst, and writes them one behind another.

    A token a cycle, or its words.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        super().__init__(
            {
                "begin": In(1),  #: a head's records start
                "record_address": In(ADDRESS_WIDTH),  #: of token 0; holds still while tokens come
                "gather_address": In(ADDRESS_WIDTH),  #: where they are written; sampled with `begin`
                "values_only": In(1),  #: without the key; sampled with `begin`
                "i": In(stream.Signature(PickedLayout(config.spec))),  #: tokens
                "source": Out(ReadSignature(config.memory_width)),  #: reads the records, a burst a token
                "target": Out(WriteSignature(config.memory_width)),  #: writes them, a run a token
                "idle": Out(1),  #: nothing is under way
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        config = self.config
        part = scan_record_words(config.spec)  # words of a key, and of a value
        part_bytes = part * config.word_bytes
        m.submodules.reader = reader = RunReader(width=config.memory_width, depth=config.gather_ahead, burst=2 * part)
        wiring.connect(m, wiring.flipped(self.source), reader.memory)
        run, request = reader.i, self.target.request
        address = Signal(ADDRESS_WIDTH)
        word = Signal(range(2 * part))
        values_only = Signal()
        last = word == Mux(values_only, part, 2 * part) - 1
        m.d.comb += [
            self.i.ready.eq(~run.valid | run.ready),
            request.payload.address.eq(address),
            request.payload.data.eq(reader.o.payload),
            request.payload.last.eq(last),
            request.valid.eq(reader.o.valid),
            reader.o.ready.eq(request.ready),
            self.idle.eq(~run.valid & ~reader.busy),
        ]
        with m.If(run.ready):
            m.d.sync += run.valid.eq(0)
        with m.If(transfer(self.i)):
            offset = self.i.payload.token * (2 * part_bytes) + Mux(values_only, part_bytes, 0)
            m.d.sync += [
                run.payload.address.eq(self.record_address + offset),
                run.payload.length.eq(Mux(values_only, part, 2 * part)),
                run.valid.eq(1),
            ]
        with m.If(transfer(request)):
            m.d.sync += [address.eq(address + config.word_bytes), word.eq(Mux(last, 0, word + 1))]
        with m.If(self.begin):
            m.d.sync += [address.eq(self.gather_address), values_only.eq(self.values_only), word.eq(0)]
        return m
