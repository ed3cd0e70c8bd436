"""Copies closed blocks from the near to the far level."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.kv.spec import EVICT_AHEAD
from hw.kv.config import Config
from hw.kv.layouts import header_layout
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature, WriteSignature
from hw.lib.queue import StreamQueue
from hw.lib.run_reader import RunReader
from hw.lib.stream import connect, transfer


class Evictor(wiring.Component):
    """For every block ordered: reads each head's run from its near slot, and writes it to its far place.

    A block is asked for while the one before is still being written. It is read only after a cycle
    in which `settled` is high, when all that was written before the order has reached the memory.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        spec = config.spec
        super().__init__(
            {
                "header": In(header_layout()),  #: the job's
                "orders": In(stream.Signature(range(spec.blocks))),  #: numbers of closed blocks, in rising order
                "settled": In(1),  #: no write is on its way to the memory
                "read_block": Out(range(spec.blocks)),  #: a block, to BlockStore
                "fill": In(range(spec.block_tokens + 1)),  #: its tokens, a cycle later
                "done": Out(1),  #: a block has been copied, in this cycle
                "idle": Out(1),  #: no copy is ordered or under way
                "source": Out(ReadSignature(config.memory_width)),  #: reads the near level
                #: writes the far level, a head's run of a block after another
                "target": Out(WriteSignature(config.memory_width)),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec = self.config.spec
        head_words = spec.block_tokens * spec.chunks
        m.submodules.queue = queue = StreamQueue(shape=range(spec.blocks), depth=EVICT_AHEAD)
        asked_layout = data.StructLayout({"block": range(spec.blocks), "words": range(head_words + 1)})
        m.submodules.asked = asked = StreamQueue(shape=asked_layout, depth=EVICT_AHEAD)
        m.submodules.reader = reader = RunReader(width=self.config.memory_width, depth=4 * head_words, burst=head_words)
        wiring.connect(m, wiring.flipped(self.source), reader.memory)
        connect(m, self.orders, queue.i)
        m.d.comb += self.idle.eq(~self.orders.valid & (queue.level == 0) & (asked.level == 0))
        self._ask(m, queue.o, asked.i, reader.i, head_words)
        self._write(m, asked.o, reader.o, head_words)
        return m

    def _ask(
        self, m: Module, order: stream.Interface, asked: stream.Interface, run: stream.Interface, head_words: int
    ) -> None:
        """Asks for every head's run of a block; then the order counts as asked."""
        spec = self.config.spec
        head_bytes = head_words * spec.word_bytes
        words = Signal(range(head_words + 1))
        heads = Signal(range(spec.heads))
        near = Signal(ADDRESS_WIDTH)
        block = order.payload
        slot = block[: (spec.near_blocks - 1).bit_length()]
        m.d.comb += [
            self.read_block.eq(block),
            run.payload.address.eq(near),
            run.payload.length.eq(words),
            asked.payload.block.eq(block),
            asked.payload.words.eq(words),
        ]
        with m.FSM(name="ask"):
            with m.State("IDLE"):
                with m.If(order.valid & self.settled):
                    m.next = "LOOK"
            with m.State("LOOK"):
                m.next = "ADDRESS"
            with m.State("ADDRESS"):
                m.d.sync += [
                    words.eq(self.fill * spec.chunks),
                    near.eq(self.header.near_address + slot * (spec.heads * head_bytes)),
                    heads.eq(0),
                ]
                m.next = "ASK"
            with m.State("ASK"):
                m.d.comb += run.valid.eq(1)
                with m.If(run.ready):
                    m.d.sync += [heads.eq(heads + 1), near.eq(near + head_bytes)]
                    with m.If(heads == spec.heads - 1):
                        m.next = "ASKED"
            with m.State("ASKED"):
                m.d.comb += [asked.valid.eq(1), order.ready.eq(asked.ready)]
                with m.If(asked.ready):
                    m.next = "IDLE"

    def _write(self, m: Module, asked: stream.Interface, words: stream.Interface, head_words: int) -> None:
        """Writes the runs of the oldest block that was asked for."""
        spec = self.config.spec
        head_bytes = head_words * spec.word_bytes
        address, run = Signal(ADDRESS_WIDTH), Signal(ADDRESS_WIDTH)
        written = Signal(range(head_words + 1))
        heads = Signal(range(spec.heads))
        request = self.target.request
        run_ends = written + 1 == asked.payload.words
        m.d.comb += [
            request.payload.address.eq(address),
            request.payload.data.eq(words.payload),
            request.payload.last.eq(run_ends),
        ]
        with m.FSM(name="write"):
            with m.State("IDLE"):
                base = self.header.far_address + asked.payload.block * (spec.heads * head_bytes)
                m.d.sync += [address.eq(base), run.eq(base), written.eq(0), heads.eq(0)]
                with m.If(asked.valid):
                    m.next = "COPY"
            with m.State("COPY"):
                m.d.comb += [request.valid.eq(words.valid), words.ready.eq(request.ready)]
                with m.If(transfer(request)):
                    m.d.sync += [address.eq(address + spec.word_bytes), written.eq(written + 1)]
                    with m.If(run_ends):
                        m.d.sync += [
                            address.eq(run + head_bytes),
                            run.eq(run + head_bytes),
                            written.eq(0),
                            heads.eq(heads + 1),
                        ]
                        with m.If(heads == spec.heads - 1):
                            m.next = "DONE"
            with m.State("DONE"):
                m.d.comb += [self.done.eq(1), asked.ready.eq(1)]
                m.next = "IDLE"
