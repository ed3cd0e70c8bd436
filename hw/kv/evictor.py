"""Copies closed blocks from the near to the far level."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.kv.spec import EVICT_AHEAD
from hw.kv.config import Config
from hw.kv.layouts import header_layout
from hw.kv.run_reader import RunReader
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature, WriteSignature
from hw.lib.queue import StreamQueue
from hw.lib.stream import connect, transfer


class Evictor(wiring.Component):
    """For every block ordered: reads each head's run from its near slot, and writes it to its far place.

    One block at a time. A block is read only after a cycle in which `settled` is high: whatever was
    written before the order came has then reached the memory.

    Members:
        header: the job's. orders: stream of block numbers. settled: no write is on its way to the memory.
        read_block, fill: to BlockStore. done: a block has been copied. idle: none is ordered.
        source: read port. target: write port.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        spec = config.spec
        super().__init__(
            {
                "header": In(header_layout()),
                "orders": In(stream.Signature(range(spec.blocks))),
                "settled": In(1),
                "read_block": Out(range(spec.blocks)),
                "fill": In(range(spec.block_tokens + 1)),
                "done": Out(1),
                "idle": Out(1),
                "source": Out(ReadSignature(config.memory_width)),
                "target": Out(WriteSignature(config.memory_width)),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec = self.config.spec
        head_words = spec.block_tokens * spec.chunks
        head_bytes = head_words * spec.word_bytes
        m.submodules.queue = queue = StreamQueue(shape=range(spec.blocks), depth=EVICT_AHEAD)
        m.submodules.reader = reader = RunReader(width=self.config.memory_width, depth=2 * head_words, burst=head_words)
        wiring.connect(m, wiring.flipped(self.source), reader.memory)
        connect(m, self.orders, queue.i)

        block = Signal(range(spec.blocks))
        words = Signal(range(head_words + 1))  # of a head's run
        asked = Signal(range(spec.heads + 1))  # heads
        near, far, far_run = Signal(ADDRESS_WIDTH), Signal(ADDRESS_WIDTH), Signal(ADDRESS_WIDTH)
        written = Signal(range(head_words + 1))
        heads = Signal(range(spec.heads + 1))  # written
        request = self.target.request
        run_ends = written + 1 == words
        m.d.comb += [
            self.read_block.eq(block),
            request.payload.address.eq(far),
            request.payload.data.eq(reader.o.payload),
            request.payload.last.eq(run_ends),
            request.valid.eq(reader.o.valid),
            reader.o.ready.eq(request.ready),
            reader.i.payload.address.eq(near),
            reader.i.payload.length.eq(words),
        ]
        slot = block[: (spec.near_blocks - 1).bit_length()]
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += [queue.o.ready.eq(1), self.idle.eq(~queue.o.valid & ~self.orders.valid)]
                with m.If(queue.o.valid):
                    m.d.sync += block.eq(queue.o.payload)
                    m.next = "SETTLE"
            with m.State("SETTLE"):
                with m.If(self.settled):
                    m.next = "LOOK"
            with m.State("LOOK"):
                m.next = "ADDRESS"
            with m.State("ADDRESS"):
                m.d.sync += [
                    words.eq(self.fill * spec.chunks),
                    near.eq(self.header.near_address + slot * (spec.heads * head_bytes)),
                    far.eq(self.header.far_address + block * (spec.heads * head_bytes)),
                    far_run.eq(self.header.far_address + block * (spec.heads * head_bytes)),
                    asked.eq(0),
                    heads.eq(0),
                    written.eq(0),
                ]
                m.next = "COPY"
            with m.State("COPY"):
                m.d.comb += reader.i.valid.eq(asked != spec.heads)
                with m.If(transfer(reader.i)):
                    m.d.sync += [asked.eq(asked + 1), near.eq(near + head_bytes)]
                with m.If(transfer(request)):
                    m.d.sync += [far.eq(far + spec.word_bytes), written.eq(written + 1)]
                    with m.If(run_ends):
                        m.d.sync += [
                            far.eq(far_run + head_bytes),
                            far_run.eq(far_run + head_bytes),
                            written.eq(0),
                            heads.eq(heads + 1),
                        ]
                with m.If(heads == spec.heads):
                    m.d.comb += self.done.eq(1)
                    m.next = "IDLE"
        return m
