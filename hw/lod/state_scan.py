"""Temporal search: goes through the state table for subtrees whose slack is used up, and those called."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.lod.memory_map import STATE_BYTES
from golden.lod.spec import SUBTREE_BITS
from hw.lib.burst_reader import BurstReader
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature
from hw.lib.stream import transfer
from hw.lod.config import Config
from hw.lod.layouts import CallLayout, VisitLayout, state_layout

BURST = 8  # words a request


class PendingLayout(data.StructLayout):
    """A word of the state table of which the records in `mask` will change."""

    def __init__(self, config: Config) -> None:
        lanes = config.word_bytes // STATE_BYTES
        super().__init__({"word": SUBTREE_BITS, "mask": lanes, "data": data.ArrayLayout(state_layout(), lanes)})


class StateScan(wiring.Component):
    """Merges the state table, in order, with the calls, which come in the same order.

    A word none of whose subtrees is visited takes 1 cycle, another one a cycle a record. Subtree n
    is passed only when no call to it can come any more: when n < `horizon`, or no visit is under
    way; and when the next call can be seen, or the queue is empty.

    Members:
        start: begin a view. address, words: the state table. travelled: the view's odometer.
        horizon, quiet, empty: see above. calls: stream of calls.
        o: stream of visits. pending: stream of words to be updated, after their visits.
        busy: the table has not been gone through. memory: read port.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        super().__init__(
            {
                "start": In(1),
                "address": In(ADDRESS_WIDTH),
                "words": In(ADDRESS_WIDTH),
                "travelled": In(32),
                "horizon": In(SUBTREE_BITS + 1),
                "quiet": In(1),
                "empty": In(1),
                "calls": In(stream.Signature(CallLayout())),
                "o": Out(stream.Signature(VisitLayout())),
                "pending": Out(stream.Signature(PendingLayout(config))),
                "busy": Out(1),
                "memory": Out(ReadSignature(config.memory_width)),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        config = self.config
        m.submodules.reader = reader = BurstReader(width=config.memory_width, depth=config.state_words)
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)
        self._ask(m, reader.i)
        self._go_through(m, reader.o)
        return m

    def _ask(self, m: Module, request: stream.Interface) -> None:
        burst = min(BURST, self.config.state_words)
        left = Signal(SUBTREE_BITS)
        address = Signal(ADDRESS_WIDTH)
        m.d.comb += [
            request.payload.address.eq(address),
            request.payload.length.eq(Mux(left > burst, burst, left)),
            request.valid.eq(left != 0),
        ]
        with m.If(self.start):
            m.d.sync += [left.eq(self.words), address.eq(self.address)]
        with m.Elif(transfer(request)):
            m.d.sync += [
                left.eq(left - request.payload.length),
                address.eq(address + burst * self.config.word_bytes),
            ]

    def _go_through(self, m: Module, words: stream.Interface) -> None:
        lanes = self.config.word_bytes // STATE_BYTES
        lane_bits = (lanes - 1).bit_length()
        shape = data.ArrayLayout(state_layout(), lanes)
        left = Signal(SUBTREE_BITS + 1)  # words to take
        index = Signal(SUBTREE_BITS)  # of the word at hand
        held, due, mask = Signal(), Signal(lanes), Signal(lanes)
        lane = Signal(max(lane_bits, 1))
        fresh, table = Signal(shape), Signal(shape)
        m.d.comb += Value.cast(fresh).eq(words.payload)

        call = self.calls.payload
        here = self.calls.valid & (call.subtree[lane_bits:] == index)
        seen = self.calls.valid | self.empty
        called, visits, passed, ends, safe, quick = (
            Signal(name=n) for n in ("called", "visits", "passed", "ends", "safe", "quick")
        )
        offered = Signal()  # a visit that waits to be taken stays, whatever comes into the queue meanwhile
        m.d.sync += offered.eq(self.o.valid & ~self.o.ready)
        subtree, last = Cat(lane[:lane_bits], index), Cat(Const(lanes - 1, lane_bits), index)
        m.d.comb += [
            called.eq(here & (call.subtree[:lane_bits] == subtree[:lane_bits])),
            safe.eq(held & (offered | (seen & (self.quiet | (subtree < self.horizon))))),
            quick.eq(held & seen & (lane == 0) & ~due.any() & ~here & (self.quiet | (last < self.horizon))),
            visits.eq(safe & (called | due.bit_select(lane, 1))),
            passed.eq(safe & (~visits | self.o.ready)),
            self.o.valid.eq(visits & (~self.pending.valid | self.pending.ready)),
            self.o.payload.subtree.eq(subtree),
            self.o.payload.entered.eq(Mux(called, call.entered, table[lane].entered)),
            self.o.payload.before.eq(table[lane].expanded),
            self.calls.ready.eq(transfer(self.o) & called),
            words.ready.eq(~held | ends),
            self.busy.eq((left != 0) | held | self.pending.valid),
        ]
        free = ~self.pending.valid | self.pending.ready
        m.d.comb += ends.eq(quick | (passed & free & (lane == lanes - 1)))
        with m.If(self.pending.ready):
            m.d.sync += self.pending.valid.eq(0)
        with m.If(passed & free):
            chosen = Signal(lanes)
            m.d.comb += chosen.eq(mask | (visits << lane))
            m.d.sync += [lane.eq(lane + 1), mask.eq(chosen)]
            with m.If(lane == lanes - 1):
                m.d.sync += [
                    lane.eq(0),
                    self.pending.valid.eq(chosen.any()),
                    self.pending.payload.word.eq(index),
                    self.pending.payload.mask.eq(chosen),
                    self.pending.payload.data.eq(table),
                ]
        with m.If(quick):
            m.d.sync += lane.eq(0)
        with m.If(transfer(words)):
            m.d.sync += [
                held.eq(1),
                left.eq(left - 1),
                table.eq(fresh),
                due.eq(Cat(fresh[k].deadline < self.travelled for k in range(lanes))),
                mask.eq(0),
                index.eq(index + 1),
            ]
        with m.Elif(ends):
            m.d.sync += held.eq(0)
        with m.If(self.start):
            m.d.sync += [left.eq(self.words), index.eq(-1)]
