"""The search: from calls to visited subtrees, and back to calls."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.lod.memory_map import RESULT
from hw.lib.bypass_buffer import BypassBuffer
from hw.lib.counters import hold
from hw.lib.memory_port import ReadSignature, WriteSignature
from hw.lib.shared import repeat
from hw.lib.skid_buffer import SkidBuffer
from hw.lib.stream import connect, transfer
from hw.lod.child_walk import ChildWalk
from hw.lod.config import Config
from hw.lod.events import EventLayout, observe
from hw.lod.horizon import Horizon
from hw.lod.layouts import CallLayout, LoadLayout, ThresholdLayout, job_layout, layout_of, planes_layout, view_layout
from hw.lod.lt_unit import LtUnit
from hw.lod.reorder import Reorder
from hw.lod.retire import Retire
from hw.lod.state_scan import StateScan
from hw.lod.state_update import StateUpdate
from hw.lod.subtree_fetch import SubtreeFetch
from hw.lod.subtree_queue import SubtreeQueue
from hw.lod.visit_allocator import VisitAllocator


class Search(wiring.Component):
    """Queue, allocator, cache, LT units and what follows them."""

    def __init__(self, *, config: Config) -> None:
        self.config = config
        width = config.memory_width
        self.fetch = SubtreeFetch(config=config)
        super().__init__(
            {
                "start": In(1),  #: begin `view`
                "turn": In(1),  #: of the view that has begun
                "forget": In(1),  #: the job is over, the next one's tree may be another
                "ahead": In(1),  #: the next view is known, and is a temporal one
                "retiring": In(1),  #: the oldest open view's subtrees may retire …
                "closing": In(1),  #: … which is the one of this turn
                "job": In(job_layout()),  #: constant while a view is open
                "view": In(view_layout()),  #: valid with `start`
                "results": Out(stream.Signature(layout_of(RESULT))),  #: visited subtrees
                "begun": Out(1),  #: no visit of the view is left to begin
                "under_way": Out(2),  #: visits of this turn are
                "idle": Out(1),  #: all is written but for results
                "tree": Out(ReadSignature(width)),  #: subtrees
                "queue": Out(ReadSignature(width)),  #: queue entries that had no place on chip
                "state": Out(ReadSignature(width)),  #: the state table
                "queue_write": Out(WriteSignature(width)),  #: queue entries that have no place on chip
                "state_write": Out(WriteSignature(width)),  #: words of the state table
                "queue_written": In(1),  #: the memory has taken a word of `queue_write`
                "state_written": In(1),  #: the memory has taken a word of `state_write`
                "events": Out(EventLayout(config.units)),  #: for the counters
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        config = self.config
        m.submodules.queue = queue = SubtreeQueue(config=config)
        m.submodules.walk = walk = ChildWalk()
        m.submodules.allocator = allocator = VisitAllocator(config=config)
        m.submodules.fetch = fetch = self.fetch
        units = repeat(m, platform, "lt_unit", config.units, lambda: LtUnit(config=config))
        m.submodules.reorder = reorder = Reorder(config=config)
        m.submodules.retire = retire = Retire(config=config)

        mine = self.retiring & (reorder.o.payload.turn == self.closing)
        m.submodules.calls = calls = SkidBuffer(shape=CallLayout())
        connect(m, queue.o, walk.i)
        connect(m, walk.o, calls.i)
        # Whether the fetch takes a load must not reach through the allocator into the scan within the cycle.
        m.submodules.loads = loads = BypassBuffer(shape=LoadLayout(config))
        connect(m, allocator.o, loads.i)
        connect(m, loads.o, fetch.i)
        m.d.comb += [
            retire.i.payload.eq(reorder.o.payload),
            retire.i.valid.eq(reorder.o.valid & mine),
            reorder.o.ready.eq(retire.i.ready & mine),
        ]
        connect(m, retire.results, wiring.flipped(self.results))
        wiring.connect(m, wiring.flipped(self.tree), fetch.memory)
        wiring.connect(m, wiring.flipped(self.queue), queue.memory)
        wiring.connect(m, wiring.flipped(self.queue_write), queue.write)
        view = Signal(view_layout())  # that has begun
        self._units(m, view, units, allocator, fetch, reorder)
        with m.If(self.start):
            m.d.sync += view.eq(self.view)
        rooted = self._calls(m, retire, queue)

        empty, quiet = Signal(), Signal()
        for k in range(2):
            flying = Signal(range(config.tickets + 1), name=f"flying_{k}")
            hold(m, flying, transfer(allocator.i) & (self.turn == k), retire.retired & (self.closing == k))
            m.d.comb += self.under_way[k].eq(flying != 0)
        m.d.comb += [
            empty.eq(queue.empty & ~walk.busy & ~calls.o.valid & ~rooted),
            quiet.eq(~self.under_way.bit_select(self.turn, 1)),
            queue.address.eq(self.job.queue_address),
            queue.words.eq(self.job.queue_words),
            queue.written.eq(self.queue_written),
            fetch.forget.eq(self.forget),
            fetch.tree_address.eq(self.job.tree_address),
            allocator.i.payload.turn.eq(self.turn),
            allocator.returned.eq(retire.retired),
        ]
        self._temporal(m, view, calls.o, allocator, retire, empty, quiet)
        m.d.comb += self.events.eq(observe(m, units, allocator, fetch, retire, queue))
        return m

    def _units(
        self, m: Module, view: data.View, units: list[LtUnit], allocator: VisitAllocator, fetch: SubtreeFetch,
        reorder: Reorder,
    ) -> None:  # fmt: skip
        thresholds = Signal(data.ArrayLayout(ThresholdLayout(), 2))
        for turn in range(2):
            mine = thresholds[turn]
            with m.If(self.turn == turn):
                m.d.sync += [
                    mine.factor.eq(view.factor),
                    mine.exponent.eq(view.exponent),
                    *(mine.camera[k].eq(view[f"camera_{axis}"]) for k, axis in enumerate("xyz")),
                ]
        planes = Signal(planes_layout())
        m.d.sync += [
            planes[side][k].eq(view[f"plane_{side}_{axis}"]) for side in range(4) for k, axis in enumerate("xyz")
        ]
        for k, unit in enumerate(units):
            connect(m, unit.free, wiring.flipped(allocator.free[k]))
            connect(m, unit.o, wiring.flipped(reorder.i[k]))
            word = Signal.like(fetch.o, name=f"word_{k}")
            m.d.sync += [
                Value.cast(word).eq(Value.cast(fetch.o)),
                word.valid.eq(fetch.o.valid & (fetch.o.load.unit == k)),
            ]
            m.d.comb += [unit.word.eq(word), unit.view.eq(thresholds), unit.planes.eq(planes)]

    def _calls(self, m: Module, retire: Retire, queue: SubtreeQueue) -> Signal:
        """The queue takes the root when a search begins, and then what retires. Returns: the root is waiting."""
        rooted = Signal()
        entry = queue.i.payload
        m.d.comb += [
            queue.i.valid.eq(rooted | retire.calls.valid),
            retire.calls.ready.eq(queue.i.ready & ~rooted),
            entry.first_child.eq(Mux(rooted, 0, retire.calls.payload.first_child)),
            entry.children.eq(Mux(rooted, 1, retire.calls.payload.children)),
            entry.expanded.eq(Mux(rooted, -1, retire.calls.payload.expanded)),
        ]
        with m.If(self.start):
            m.d.sync += rooted.eq(self.view.search[0])
        with m.Elif(queue.i.ready):
            m.d.sync += rooted.eq(0)
        return rooted

    def _temporal(
        self, m: Module, view: data.View, source: stream.Interface, allocator: VisitAllocator, retire: Retire,
        empty: Value, quiet: Value,
    ) -> None:  # fmt: skip
        """Visits are the calls, or what the state scan makes of them."""
        plain = allocator.i.payload
        calls = source.payload
        direct = [
            plain.subtree.eq(calls.subtree),
            plain.entered.eq(calls.entered),
            plain.before.eq(0),
            allocator.i.valid.eq(source.valid),
            source.ready.eq(allocator.i.ready),
        ]
        if not self.config.temporal:
            m.d.comb += [*direct, self.begun.eq(empty & quiet), self.idle.eq(1)]
            return
        m.submodules.scan = scan = StateScan(config=self.config)
        m.submodules.update = update = StateUpdate(config=self.config)
        m.submodules.horizon = horizon = Horizon(config=self.config)
        wiring.connect(m, wiring.flipped(self.state), scan.memory)
        wiring.connect(m, wiring.flipped(self.state_write), update.write)
        connect(m, retire.states, update.i)
        connect(m, scan.pending, update.pending)
        on = view.temporal[0]
        for turn in range(2):
            with m.If(self.turn == turn):
                m.d.sync += retire.travelled[turn].eq(view.travelled)
        m.d.comb += [
            self.begun.eq(empty & Mux(on, ~scan.scanning, quiet)),
            self.idle.eq(~scan.busy & update.settled.idle),
            scan.start.eq(self.start & self.view.temporal[0]),
            scan.turn.eq(self.turn),
            scan.address.eq(self.job.state_address),
            scan.words.eq(self.job.state_words),
            scan.travelled.eq(view.travelled),
            scan.ahead.eq(self.ahead),
            scan.settled.eq(update.settled),
            update.written.eq(self.state_written),
            horizon.start.eq(self.start),
            horizon.turn.eq(self.turn),
            horizon.forget.eq(self.forget),
            horizon.sent.valid.eq(transfer(allocator.i)),
            horizon.sent.subtree.eq(plain.subtree),
            horizon.retired.valid.eq(retire.retired),
            horizon.retired.subtree.eq(retire.i.payload.subtree),
            horizon.retired.children_end.eq(retire.i.payload.children_end),
            horizon.retired.turn.eq(self.closing),
            scan.horizon.eq(horizon.o),
            scan.quiet.eq(quiet),
            scan.empty.eq(empty),
            scan.calls.payload.eq(calls),
            update.address.eq(self.job.state_address),
            retire.keep.eq(on),
        ]
        with m.If(on):
            m.d.comb += [
                *(plain[name].eq(scan.o.payload[name]) for name in ("subtree", "entered", "before")),
                allocator.i.valid.eq(scan.o.valid),
                scan.o.ready.eq(allocator.i.ready),
                scan.calls.valid.eq(source.valid),
                source.ready.eq(scan.calls.ready),
            ]
        with m.Else():
            m.d.comb += direct
