"""Temporal search: goes through the state table for subtrees whose slack is used up, and those called."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.lod.memory_map import STATE_BYTES
from golden.lod.spec import SUBTREE_BITS
from hw.lib.burst_reader import BurstReader
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature
from hw.lib.one_hot import lowest
from hw.lib.stream import transfer
from hw.lib.tree import or_all
from hw.lod.config import Config
from hw.lod.layouts import CallLayout, VisitLayout, state_layout

BURST = 2  # words a request: between two of them a subtree's request has its turn


class PendingLayout(data.StructLayout):
    """A word of the state table of which the records in `mask` will change."""

    def __init__(self, config: Config) -> None:
        lanes = config.word_bytes // STATE_BYTES
        super().__init__(
            {
                "word": SUBTREE_BITS,  #: its place in the table
                "turn": 1,  #: of the view that visits it
                "mask": lanes,  #: records whose subtrees are visited
                "data": data.ArrayLayout(state_layout(), lanes),  #: as it was read
            }
        )


class SettledLayout(data.StructLayout):
    """How far pending words are in memory."""

    def __init__(self) -> None:
        super().__init__(
            {
                "valid": 1,  #: words before `word` are, of the view of `turn`
                "word": SUBTREE_BITS,  #: the next one that will be written
                "turn": 1,  #: of the view that it belongs to
                "idle": 1,  #: all pending words are
            }
        )


class StateScan(wiring.Component):
    """Merges the state table, in order, with the calls, which come in the same order.

    A word takes one cycle, and one more for each visit after its first; a word with called visits
    takes another one. Subtree n is passed only when no call to it can come any more: when
    n < `horizon`, or no visit is under way; and when the next call can be seen, or the queue is
    empty. Once all words of a view have been asked for, the next view's are read ahead, as far as
    the older view has passed and settled them.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        super().__init__(
            {
                "start": In(1),  #: begin a view; the one before has been gone through
                "turn": In(1),  #: of the view that has begun
                "address": In(ADDRESS_WIDTH),  #: of the state table
                "words": In(ADDRESS_WIDTH),  #: of the state table
                "travelled": In(32),  #: the view's odometer: what has a lower deadline is due
                "horizon": In(SUBTREE_BITS + 1),  #: subtrees before it are called no more
                "quiet": In(1),  #: no visit of the view is under way
                "empty": In(1),  #: no call is on its way to `calls`
                "calls": In(stream.Signature(CallLayout())),  #: in ascending order
                "o": Out(stream.Signature(VisitLayout())),  #: visits, in ascending order; `turn` is not set
                #: words to be updated, each behind its last visit
                "pending": Out(stream.Signature(PendingLayout(config))),
                "scanning": Out(1),  #: the table has not been gone through
                "busy": Out(1),  #: `scanning`, or a word waits at `pending`
                "ahead": In(1),  #: the next view goes through the table too; stays until its `start`
                "settled": In(SettledLayout()),  #: how far pending words are in memory
                "memory": Out(ReadSignature(config.memory_width)),  #: the state table
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        config = self.config
        m.submodules.reader = reader = BurstReader(width=config.memory_width, depth=config.state_words)
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)
        held, index = self._go_through(m, reader.o)
        self._ask(m, reader.i, held, index)
        return m

    def _ask(self, m: Module, request: stream.Interface, held: Signal, index: Signal) -> None:
        """A view's words, as far as the view before has settled them; then the next view's."""
        burst = min(BURST, self.config.state_words)
        to_ask = Signal(SUBTREE_BITS)  # words
        address = Signal(ADDRESS_WIDTH)
        behind = Signal(SUBTREE_BITS + 1)  # the word behind the burst
        limit = Signal(SUBTREE_BITS + 1)  # words before it are settled
        early = Signal()  # they are the next view's
        turn = self.turn ^ early
        begins = Signal()
        older = self.pending.valid & (self.pending.payload.turn != turn)
        m.d.comb += [
            request.payload.address.eq(address),
            request.payload.length.eq(Mux(to_ask > burst, burst, to_ask)),
            request.valid.eq((to_ask != 0) & (behind <= limit)),
            begins.eq(~early & (self.start | (self.ahead & (to_ask == 0)))),
        ]
        m.d.sync += early.eq((early | begins) & ~self.start)
        with m.If(begins):
            m.d.sync += [
                to_ask.eq(self.words), address.eq(self.address), behind.eq(burst), limit.eq(0)
            ]  # fmt: skip
        with m.Else():
            with m.If(transfer(request)):
                m.d.sync += [
                    to_ask.eq(to_ask - request.payload.length),
                    address.eq(address + burst * self.config.word_bytes),
                    behind.eq(behind + burst),
                ]
            with m.If(self.settled.valid & (self.settled.turn != turn)):
                m.d.sync += limit.eq(self.settled.word)
            with m.Elif(early & self.scanning):
                with m.If(held & self.settled.idle & ~older):
                    m.d.sync += limit.eq(index)
            with m.Elif(self.settled.valid | (self.settled.idle & ~older)):
                m.d.sync += limit.eq(-1)

    def _go_through(self, m: Module, words: stream.Interface) -> tuple[Signal, Signal]:
        """Word by word, visit by visit. Returns: a word is at hand, and its place in the table."""
        lanes = self.config.word_bytes // STATE_BYTES
        lane_bits = (lanes - 1).bit_length()
        shape = data.ArrayLayout(state_layout(), lanes)
        to_take, left = Signal(SUBTREE_BITS + 1), Signal()  # words; it is not 0
        index, after = Signal(SUBTREE_BITS), Signal(SUBTREE_BITS)  # of the word at hand, and of the next one
        held, due, mask = Signal(), Signal(lanes), Signal(lanes)
        fresh, table = Signal(shape), Signal(shape)
        m.d.comb += [Value.cast(fresh).eq(words.payload), after.eq(index + 1)]

        call = self.calls.payload
        here = self.calls.valid & (call.subtree[lane_bits:] == index)
        called, wanted, pick = (Signal(lanes, name=n) for n in ("called", "wanted", "pick"))  # pick: one-hot
        passed, below = Signal(lanes), Signal(lanes)  # behind the horizon; no call can come any more
        certain, over, last = Signal(), Signal(), Signal()
        offered = Signal()  # a visit that waits to be taken stays, whatever comes into the queue meanwhile
        m.d.sync += offered.eq(self.o.valid & ~self.o.ready)
        subtrees = [Cat(Const(k, lane_bits), index) for k in range(lanes)]
        old = [(pick[k], table[k]) for k in range(lanes)]
        entered = or_all([Mux(mine, record.entered, 0) for mine, record in old])
        m.d.comb += [
            called.eq(Cat(here & (call.subtree[:lane_bits] == k) for k in range(lanes))),
            wanted.eq(due | called),
            pick.eq(lowest(wanted)),
            below.eq(passed | self.quiet.replicate(lanes)),
            certain.eq(held & (self.calls.valid | self.empty)),
            # No other visit of this word: none is due, and the next call can be seen elsewhere. While one is due,
            # `quiet` does not say that no call will come: the visit itself may call a subtree of its own word.
            over.eq(passed[-1] | (self.quiet & ~due.any())),
            last.eq(certain & over & ~here & ((due & (due - 1)) == 0)),
            self.o.valid.eq(offered | (certain & (pick & below).any())),
            self.o.payload.subtree.eq(or_all([Mux(pick[k], n, 0) for k, n in enumerate(subtrees)])),
            self.o.payload.entered.eq(Mux((pick & called).any(), call.entered, entered)),
            self.o.payload.before.eq(or_all([Mux(mine, record.expanded, 0) for mine, record in old])),
            self.calls.ready.eq(transfer(self.o) & (pick & called).any()),
        ]
        # The comparison with the horizon is a cycle old, for the word that is at hand by then.
        beyond = [Cat(Cat(Const(k, lane_bits), place) < self.horizon for k in range(lanes)) for place in (index, after)]
        m.d.sync += passed.eq(Mux(self.start, 0, Mux(transfer(words), beyond[1], beyond[0])))
        visited = Signal(lanes)
        ends = Signal()
        free = ~self.pending.valid | self.pending.ready
        m.d.comb += [
            visited.eq(mask | Mux(transfer(self.o), pick, 0)),
            ends.eq(last & (~due.any() | transfer(self.o)) & (free | ~visited.any())),
            words.ready.eq(left & (~held | ends)),
            self.scanning.eq(left | held),
            self.busy.eq(self.scanning | self.pending.valid),
        ]
        with m.If(self.pending.ready):
            m.d.sync += self.pending.valid.eq(0)
        with m.If(ends & visited.any()):
            m.d.sync += [
                self.pending.valid.eq(1),
                self.pending.payload.word.eq(index),
                self.pending.payload.turn.eq(self.turn),
                self.pending.payload.mask.eq(visited),
                self.pending.payload.data.eq(table),
            ]
        with m.If(transfer(words)):
            m.d.sync += [
                held.eq(1),
                to_take.eq(to_take - 1),
                left.eq(to_take != 1),
                table.eq(fresh),
                due.eq(Cat(fresh[k].deadline < self.travelled for k in range(lanes))),
                mask.eq(0),
                index.eq(after),
            ]
        with m.Else():
            m.d.sync += mask.eq(visited)
            with m.If(ends):
                m.d.sync += held.eq(0)
            with m.If(transfer(self.o)):
                m.d.sync += due.eq(due & ~pick)
        with m.If(self.start):
            m.d.sync += [to_take.eq(self.words), left.eq(self.words != 0), index.eq(-1)]
        return held, index
