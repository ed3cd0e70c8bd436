"""Writes tokens to their places in the near level, and adds their keys to their clusters' sums."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.kv.config import Config
from hw.kv.layouts import AddLayout, PlaceLayout, header_layout, record_layout
from hw.lib.memory_port import ADDRESS_WIDTH, WriteSignature
from hw.lib.stream import transfer


class TokenWriter(wiring.Component):
    """Joins places with the recent buffer's words: one word a cycle.

    A block holds the tokens of head 0, then those of head 1, …: a head's tokens are one run. The
    order to copy a closed block leaves before the words of the token that closed it.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        spec = config.spec
        super().__init__(
            {
                "header": In(header_layout()),  #: the job's
                "places": In(stream.Signature(PlaceLayout(spec))),  #: a place a token
                "recent": In(stream.Signature(record_layout(spec))),  #: the tokens' record words
                "evict": Out(stream.Signature(range(spec.blocks))),  #: numbers of blocks to copy to the far level
                "add": Out(AddLayout(spec)),  #: a chunk of keys for KeyTable, in cycles in which `valid` is high
                "memory": Out(WriteSignature(config.memory_width)),  #: writes the near level, a token a run
                "idle": Out(1),  #: no token is half written, and no place waits
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec = self.config.spec
        log2_word = spec.word_bytes.bit_length() - 1
        head_bytes = spec.block_tokens * spec.chunks * spec.word_bytes
        place = Signal(PlaceLayout(spec))
        address = Signal(ADDRESS_WIDTH)
        word = Signal(range(spec.token_words))
        chunk = Signal(range(spec.chunks))  # the word's, in its head
        busy, ordering = Signal(), Signal()
        request = self.memory.request
        last = word == spec.token_words - 1
        moves = Signal()
        m.d.comb += [
            self.idle.eq(~busy & ~self.places.valid),
            self.places.ready.eq(~busy | (moves & last)),
            self.evict.payload.eq(place.closed),
            self.evict.valid.eq(busy & ordering),
            request.payload.address.eq(address),
            request.payload.data.eq(Value.cast(self.recent.payload)),
            request.payload.last.eq(last),
            request.valid.eq(busy & ~ordering & self.recent.valid & place.stored),
            moves.eq(busy & ~ordering & self.recent.valid & (request.ready | ~place.stored)),
            self.recent.ready.eq(moves),
        ]
        with m.If(transfer(self.evict)):
            m.d.sync += ordering.eq(0)
        with m.If(moves):
            head_ends = chunk == spec.chunks - 1
            m.d.sync += [
                word.eq(word + 1),
                chunk.eq(Mux(head_ends, 0, chunk + 1)),
                address.eq(address + Mux(head_ends, head_bytes - (spec.chunks - 1) * spec.word_bytes, spec.word_bytes)),
            ]
            with m.If(last):
                m.d.sync += busy.eq(0)
        with m.If(transfer(self.places)):
            new = self.places.payload
            slot = new.slot.shift_left((spec.heads * head_bytes).bit_length() - 1)
            if (spec.heads * head_bytes) & (spec.heads * head_bytes - 1):
                slot = new.slot * (spec.heads * head_bytes)
            m.d.sync += [
                place.eq(new),
                busy.eq(1),
                ordering.eq(new.evict),
                word.eq(0),
                chunk.eq(0),
                address.eq(self.header.near_address + slot + (new.position * spec.chunks).shift_left(log2_word)),
            ]
        m.d.comb += [
            self.add.valid.eq(moves),
            self.add.first.eq(place.new),
            self.add.row.eq(place.cluster * spec.token_words + word),
            Value.cast(self.add.chunk).eq(Value.cast(self.recent.payload.key)),
        ]
        return m
