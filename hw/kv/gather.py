"""Gathers the records of the selected clusters, one burst a block (KVMU)."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.kv.config import Config
from hw.kv.layouts import ChainLayout, header_layout
from hw.kv.wtu import SelectedLayout
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature, WriteSignature
from hw.lib.queue import StreamQueue
from hw.lib.run_reader import RunReader
from hw.lib.stream import transfer

FOUND_AHEAD = 8  # clusters whose chain has been looked up
ROW_BYTES = 2048  # of the DRAM row whose hits are counted


class FoundLayout(data.StructLayout):
    """What has been looked up of an entry of the queue."""

    def __init__(self, config: Config) -> None:
        blocks = range(config.spec.blocks)
        super().__init__(
            {
                "some": 1,  #: the cluster is selected and has blocks
                "ends": 1,  #: it is the last of the head's table
                "first": blocks,  #: of its chain
                "last": blocks,  #: of its chain
            }
        )


class RecordGather(wiring.Component):
    """Follows the chain of every selected cluster and reads the head's run of each block.

    A block takes 2 cycles or its words. Records are written one after another, head after head.
    The queue of selected clusters holds a whole table, so that the WTU never waits in a mark.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        spec = config.spec
        super().__init__(
            {
                "begin": In(1),  #: a job starts, with a valid header; heads count from 0
                "header": In(header_layout()),  #: the job's
                "closed": In(range(spec.blocks + 1)),  #: blocks below this number lie in the far level
                #: a head's table of clusters after another; always taken if `room` was high before the table
                "i": In(stream.Signature(SelectedLayout(config))),
                "read_chain": Out(range(spec.clusters)),  #: a cluster, to BlockStore
                "chain": In(ChainLayout(spec)),  #: its chain, a cycle later
                "read_block": Out(range(spec.blocks)),  #: a block, to BlockStore
                "next": In(range(spec.blocks)),  #: the block behind it in its chain, a cycle later
                "fill": In(range(spec.block_tokens + 1)),  #: its tokens, a cycle later
                "selected": Out(1),  #: a selected cluster has been looked up, in this cycle
                "burst": Out(1),  #: a burst is asked for, in this cycle
                "row_hit": Out(1),  #: it begins in the DRAM row in which the one before ended
                "far": Out(1),  #: a block of the far level is asked for, in this cycle
                "room": Out(1),  #: a whole table fits
                "idle": Out(1),  #: nothing is under way: all records have been handed to `target`
                "source": Out(ReadSignature(config.memory_width)),  #: reads both levels, a burst a block
                #: writes the records one behind another; a block's run ends with `last`
                "target": Out(WriteSignature(config.memory_width)),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec = self.config.spec
        width = self.config.memory_width
        head_words = spec.block_tokens * spec.chunks
        m.submodules.queue = queue = StreamQueue(shape=SelectedLayout(self.config), depth=spec.clusters)
        m.submodules.reader = reader = RunReader(width=width, depth=self.config.gather_ahead, burst=head_words)
        wiring.connect(m, wiring.flipped(self.source), reader.memory)
        m.d.comb += [
            self.i.ready.eq(queue.i.ready),
            queue.i.payload.eq(self.i.payload),
            queue.i.valid.eq(self.i.valid & (self.i.payload.selected | self.i.payload.last)),
            self.room.eq(queue.level == 0),
        ]

        m.submodules.found = found = StreamQueue(shape=FoundLayout(self.config), depth=FOUND_AHEAD)
        asking = Signal()
        self._look_up(m, queue.o, found.i)
        self._ask(m, found.o, reader.i, asking)

        row_bits = (ROW_BYTES - 1).bit_length()
        open_row = Signal(ADDRESS_WIDTH - row_bits)
        any_row = Signal()
        m.d.comb += [
            self.burst.eq(reader.asked),
            self.row_hit.eq(reader.asked & any_row & (reader.asked_address[row_bits:] == open_row)),
        ]
        with m.If(reader.asked):
            m.d.sync += [open_row.eq(reader.asked_end[row_bits:]), any_row.eq(1)]

        # Whether a word ends its block's run waits beside the word, as the reader gives the words alone: a run
        # is one burst, and both queues take and give in the same cycles.
        m.submodules.ends = ends = StreamQueue(shape=1, depth=self.config.gather_ahead)
        response = self.source.response
        address = Signal(ADDRESS_WIDTH)
        request = self.target.request
        m.d.comb += [
            ends.i.payload.eq(response.payload.last),
            ends.i.valid.eq(transfer(response)),
            ends.o.ready.eq(transfer(request)),
            request.payload.address.eq(address),
            request.payload.data.eq(reader.o.payload),
            request.payload.last.eq(ends.o.payload),
            request.valid.eq(reader.o.valid),
            reader.o.ready.eq(request.ready),
            self.idle.eq((queue.level == 0) & (found.level == 0) & ~asking & ~reader.busy),
        ]
        with m.If(transfer(request)):
            m.d.sync += address.eq(address + spec.word_bytes)
        with m.If(self.begin):
            m.d.sync += [address.eq(self.header.gather_address), any_row.eq(0)]
        return m

    def _look_up(self, m: Module, selected: stream.Interface, found: stream.Interface) -> None:
        """The chain of each selected cluster; a cluster takes 2 cycles."""
        entry = selected.payload
        m.d.comb += [
            self.read_chain.eq(entry.cluster),
            found.payload.some.eq(entry.selected & self.chain.some),
            found.payload.ends.eq(entry.last),
            found.payload.first.eq(self.chain.first),
            found.payload.last.eq(self.chain.last),
            self.selected.eq(transfer(selected) & entry.selected),
        ]
        with m.FSM(name="look_up"):
            with m.State("READ"):
                with m.If(selected.valid):
                    m.next = "FOUND"
            with m.State("FOUND"):
                m.d.comb += [found.valid.eq(1), selected.ready.eq(found.ready)]
                with m.If(found.ready):
                    m.next = "READ"

    def _ask(self, m: Module, found: stream.Interface, run: stream.Interface, asking: Signal) -> None:
        """Follows chains; a block takes 2 cycles, its burst's request waits in a register."""
        spec = self.config.spec
        head_bytes = spec.block_tokens * spec.chunks * spec.word_bytes
        block_bytes = spec.heads * head_bytes
        head_offset = Signal(range(block_bytes + 1))
        chain = Signal(FoundLayout(self.config))
        block = Signal(range(spec.blocks))
        base = Signal(ADDRESS_WIDTH)
        is_far = Signal()
        slot = block[: (spec.near_blocks - 1).bit_length()]
        free = ~run.valid | run.ready
        m.d.comb += [self.read_block.eq(block), asking.eq(1)]
        with m.If(run.ready):
            m.d.sync += run.valid.eq(0)
        with m.FSM(name="ask"):
            with m.State("IDLE"):
                m.d.comb += [found.ready.eq(1), asking.eq(run.valid)]
                with m.If(found.valid):
                    m.d.sync += [chain.eq(found.payload), block.eq(found.payload.first)]
                    m.next = "END"
                    with m.If(found.payload.some):
                        m.next = "READ"
            with m.State("READ"):
                m.d.sync += [
                    is_far.eq(block < self.closed),
                    base.eq(
                        Mux(block < self.closed, self.header.far_address, self.header.near_address)
                        + Mux(block < self.closed, block, slot) * block_bytes
                    ),
                ]
                m.next = "ASK"
            with m.State("ASK"):
                ends = block == chain.last
                with m.If(free):
                    m.d.comb += self.far.eq(is_far)
                    m.d.sync += [
                        run.payload.address.eq(base + head_offset),
                        run.payload.length.eq(self.fill * spec.chunks),
                        run.valid.eq(1),
                        block.eq(self.next),
                    ]
                    m.next = "READ"
                    with m.If(ends & chain.ends):
                        m.next = "END"
                    with m.Elif(ends):
                        m.d.comb += found.ready.eq(found.payload.some)
                        m.next = "IDLE"
                        with m.If(found.valid & found.payload.some):
                            m.d.sync += [chain.eq(found.payload), block.eq(found.payload.first)]
                            m.next = "READ"
            with m.State("END"):
                with m.If(chain.ends):
                    m.d.sync += head_offset.eq(head_offset + head_bytes)
                m.next = "IDLE"
        with m.If(self.begin):
            m.d.sync += head_offset.eq(0)
