"""Gathers the records of the selected clusters, one burst a block (KVMU)."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.kv.block_store import ChainLayout
from hw.kv.config import Config
from hw.kv.layouts import header_layout
from hw.kv.run_reader import RunReader
from hw.kv.wtu import SelectedLayout
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature, WriteSignature
from hw.lib.queue import StreamQueue
from hw.lib.stream import transfer

ROW_BYTES = 2048  # of the DRAM row whose hits are counted


class Gather(wiring.Component):
    """Follows the chain of every selected cluster and reads the head's run of each block.

    A block takes 3 cycles or its words. Records are written one after another, head after head.
    The queue of selected clusters holds a whole table, so that the WTU never waits in a mark.

    Members:
        begin: a job starts; heads count from 0. header: the job's. closed: blocks below lie in the far level.
        i: stream of SelectedLayout (`ready` is not looked at while `room` was high before the table).
        read_chain, chain, read_block, next, fill: to BlockStore.
        selected: a cluster was taken. burst, row_hit: a burst was asked for; it begins in the row where the last ended.
        room: a whole table fits. idle: nothing is under way. source: read port. target: write port.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        spec = config.spec
        super().__init__(
            {
                "begin": In(1),
                "header": In(header_layout()),
                "closed": In(range(spec.blocks + 1)),
                "i": In(stream.Signature(SelectedLayout(config), always_ready=True)),
                "read_chain": Out(range(spec.clusters)),
                "chain": In(ChainLayout(config)),
                "read_block": Out(range(spec.blocks)),
                "next": In(range(spec.blocks)),
                "fill": In(range(spec.block_tokens + 1)),
                "selected": Out(1),
                "burst": Out(1),
                "row_hit": Out(1),
                "far": Out(1),
                "room": Out(1),
                "idle": Out(1),
                "source": Out(ReadSignature(config.memory_width)),
                "target": Out(WriteSignature(config.memory_width)),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec = self.config.spec
        width = self.config.memory_width
        head_words = spec.block_tokens * spec.chunks
        head_bytes = head_words * spec.word_bytes
        block_bytes = spec.heads * head_bytes
        m.submodules.queue = queue = StreamQueue(shape=SelectedLayout(self.config), depth=spec.clusters)
        m.submodules.reader = reader = RunReader(width=width, depth=self.config.gather_ahead, burst=head_words)
        wiring.connect(m, wiring.flipped(self.source), reader.memory)
        m.d.comb += [
            queue.i.payload.eq(self.i.payload),
            queue.i.valid.eq(self.i.valid & (self.i.payload.selected | self.i.payload.last)),
            self.room.eq(queue.level == 0),
        ]

        head = Signal(range(spec.heads + 1))
        head_offset = Signal(range(block_bytes + 1))
        block = Signal(range(spec.blocks))
        last_block = Signal(range(spec.blocks))
        base = Signal(ADDRESS_WIDTH)
        words = Signal(range(head_words + 1))
        follows = Signal(range(spec.blocks))
        is_far = Signal()
        m.d.comb += [self.read_chain.eq(queue.o.payload.cluster), self.read_block.eq(block)]
        slot = block[: (spec.near_blocks - 1).bit_length()]
        run = reader.i.payload
        m.d.comb += [run.address.eq(base), run.length.eq(words)]
        with m.FSM():
            with m.State("TAKE"):
                with m.If(queue.o.valid):
                    m.next = "CHAIN"
            with m.State("CHAIN"):
                entry = queue.o.payload
                m.d.sync += [block.eq(self.chain.first), last_block.eq(self.chain.last)]
                m.d.comb += self.selected.eq(entry.selected)
                with m.If(entry.selected & self.chain.some):
                    m.next = "BLOCK"
                with m.Else():
                    m.next = "NEXT"
            with m.State("BLOCK"):
                m.next = "ADDRESS"
            with m.State("ADDRESS"):
                m.d.sync += [
                    is_far.eq(block < self.closed),
                    words.eq(self.fill * spec.chunks),
                    follows.eq(self.next),
                    base.eq(
                        Mux(block < self.closed, self.header.far_address, self.header.near_address)
                        + Mux(block < self.closed, block, slot) * block_bytes
                        + head_offset
                    ),
                ]
                m.next = "ASK"
            with m.State("ASK"):
                m.d.comb += [reader.i.valid.eq(1), self.far.eq(transfer(reader.i) & is_far)]
                with m.If(reader.i.ready):
                    m.d.sync += block.eq(follows)
                    with m.If(block == last_block):
                        m.next = "NEXT"
                    with m.Else():
                        m.next = "BLOCK"
            with m.State("NEXT"):
                m.d.comb += queue.o.ready.eq(1)
                with m.If(queue.o.payload.last):
                    m.d.sync += [head.eq(head + 1), head_offset.eq(head_offset + head_bytes)]
                m.next = "TAKE"

        row_bits = (ROW_BYTES - 1).bit_length()
        open_row = Signal(ADDRESS_WIDTH - row_bits)
        any_row = Signal()
        m.d.comb += [
            self.burst.eq(reader.asked),
            self.row_hit.eq(reader.asked & any_row & (reader.asked_address[row_bits:] == open_row)),
        ]
        with m.If(reader.asked):
            m.d.sync += [open_row.eq(reader.asked_end[row_bits:]), any_row.eq(1)]

        address = Signal(ADDRESS_WIDTH)
        request = self.target.request
        m.d.comb += [
            request.payload.address.eq(address),
            request.payload.data.eq(reader.o.payload),
            request.valid.eq(reader.o.valid),
            reader.o.ready.eq(request.ready),
            self.idle.eq((queue.level == 0) & ~reader.busy),
        ]
        with m.If(transfer(request)):
            m.d.sync += address.eq(address + spec.word_bytes)
        with m.If(self.begin):
            m.d.sync += [address.eq(self.header.gather_address), head.eq(0), head_offset.eq(0), any_row.eq(0)]
        return m
