"""Writes the state of visited subtrees back into the state table."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.lod.memory_map import STATE_BYTES
from hw.lib.memory_port import ADDRESS_WIDTH, WriteSignature
from hw.lib.one_hot import lowest
from hw.lib.queue import StreamQueue
from hw.lib.stream import transfer
from hw.lod.config import Config
from hw.lod.layouts import state_layout
from hw.lod.state_scan import PendingLayout, SettledLayout


class StateUpdate(wiring.Component):
    """Fills the visited records of each pending word, in order, then writes the word.

    A record takes a cycle, and a word the time of its write. A word is pending only when all its
    visits have begun, so up to a word's records can be here before it.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(state_layout())),  #: new records, in the order of the visits
                "pending": In(stream.Signature(PendingLayout(config))),  #: words whose visits have all begun
                "address": In(ADDRESS_WIDTH),  #: of the state table
                "settled": Out(SettledLayout()),  #: how far the words are in memory
                "written": In(1),  #: the memory has taken the word of `write`
                "write": Out(WriteSignature(config.memory_width)),  #: updated words; one at a time
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        config = self.config
        lanes = config.word_bytes // STATE_BYTES
        shape = PendingLayout(config)
        m.submodules.records = records = StreamQueue(shape=state_layout(), depth=lanes + 2)
        m.submodules.words = words = StreamQueue(shape=shape, depth=config.pending_words)
        wiring.connect(m, wiring.flipped(self.i), records.i)
        wiring.connect(m, wiring.flipped(self.pending), words.i)

        word = Signal(shape)
        held, whole, sent = Signal(), Signal(), Signal()
        first = Signal(lanes)  # one-hot
        request = self.write.request
        m.d.comb += [
            whole.eq(held & (word.mask == 0) & ~sent),
            first.eq(lowest(word.mask)),
            records.o.ready.eq(word.mask.any() & held),
            request.valid.eq(whole),
            request.payload.address.eq(self.address + word.word.shift_left(config.word_bytes.bit_length() - 1)),
            request.payload.data.eq(Value.cast(word.data)),
            request.payload.last.eq(1),
            words.o.ready.eq(~held | self.written),
            self.settled.valid.eq(held),
            self.settled.word.eq(word.word),
            self.settled.turn.eq(word.turn),
            self.settled.idle.eq(~held & (words.level == 0)),
        ]
        m.d.sync += sent.eq((sent | transfer(request)) & ~self.written)
        with m.If(transfer(words.o)):
            m.d.sync += [word.eq(words.o.payload), held.eq(1)]
        with m.Elif(self.written):
            m.d.sync += held.eq(0)
        with m.If(transfer(records.o)):
            m.d.sync += word.mask.eq(word.mask & ~first)
            for k in range(lanes):
                with m.If(first[k]):
                    m.d.sync += word.data[k].eq(records.o.payload)
        return m
