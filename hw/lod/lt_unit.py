"""LT unit: the level-of-detail test of one node a cycle."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.lod.spec import SUBTREE_BITS
from hw.lib.memory import two_port_memory
from hw.lib.queue import StreamQueue
from hw.lib.stream import transfer
from hw.lod.config import Config
from hw.lod.context_pool import ContextPool
from hw.lod.decisions import Decisions
from hw.lod.entry_filter import EntryFilter
from hw.lod.layouts import (
    FinishedLayout,
    LoadLayout,
    ResultLayout,
    ShareLayout,
    ThresholdLayout,
    WordLayout,
    block_header_layout,
    planes_layout,
)
from hw.lod.node_buffer import NodeBuffer
from hw.lod.node_issue import NodeIssue
from hw.lod.result_table import ResultTable
from hw.lod.size_check import SizeCheck
from hw.lod.slack import Slack


class LtUnit(wiring.Component):
    """Holds up to `contexts` subtrees and tests their nodes, interleaved, one a cycle.

    From the choice of a node to its decision 16 cycles, to its share in the result 18 (26 with the
    slack of temporal search). A finished subtree takes 2 cycles to leave, beside the tests.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        super().__init__(
            {
                "free": Out(stream.Signature(range(config.contexts))),  #: contexts to load a subtree into
                #: memory words; the contexts in any order, a subtree's words in their own
                "word": In(data.StructLayout({"valid": 1, **WordLayout(config).members})),
                "view": In(data.ArrayLayout(ThresholdLayout(), 2)),  #: thresholds by turn, each constant in its view
                "planes": In(planes_layout()),  #: sides of the frustum, of the one view that may be under way with it
                "o": Out(stream.Signature(FinishedLayout(config))),  #: visited subtrees, as they finish
                "tested": Out(1),  #: a node's share is added to its subtree's result
                "counted": Out(2),  #: that node is reached, in a view of turn 0 or 1
                "working": Out(1),  #: a node is to be tested or under test
                "queued": Out(1),  #: a node could be chosen for which no decision is missing
                "prompt": Out(1),  #: a node that is reached, and was chosen in such a cycle, is decided
            }
        )

    @property
    def share_latency(self) -> int:
        """Cycles from a decision until its share can be read from the result."""
        return 3 + (Slack.latency if self.config.temporal else 0)

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        config = self.config
        m.submodules.pool = pool = ContextPool(count=config.contexts)
        m.submodules.nodes = nodes = NodeBuffer(config=config)
        m.submodules.issue = issue = NodeIssue(config=config)
        m.submodules.size_check = size_check = SizeCheck(config=config)
        m.submodules.decisions = decisions = Decisions(config=config)
        m.submodules.results = results = ResultTable(config=config)
        wiring.connect(m, wiring.flipped(self.free), pool.o)
        m.submodules.entry_filter = entry_filter = EntryFilter(config=config)
        begin = entry_filter.o
        valid = Signal(NodeBuffer.latency + SizeCheck.latency)
        prompt = Signal(2 + len(valid))  # from the choice to `decisions.o`
        m.d.sync += [valid.eq(Cat(issue.ask.valid, valid[:-1])), prompt.eq(Cat(issue.queued, prompt[:-1]))]
        m.d.comb += [
            entry_filter.word.eq(self.word),
            nodes.word.eq(self.word),
            nodes.begin.eq(begin),
            issue.begin.eq(begin),
            nodes.ask.eq(issue.ask),
            size_check.view.eq(self.view),
            size_check.planes.eq(self.planes),
            size_check.i.eq(nodes.o),
            decisions.begin.valid.eq(begin.valid),
            decisions.begin.context.eq(begin.context),
            decisions.i.valid.eq(valid[-1]),
            decisions.i.decision.eq(size_check.o),
            issue.jump.eq(decisions.jump),
            results.begin.valid.eq(begin.valid),
            results.begin.context.eq(begin.context),
            self.tested.eq(results.tested),
            self.counted.eq(results.counted),
            self.working.eq(issue.working),
            self.queued.eq(issue.queued),
            self.prompt.eq(prompt[-1] & decisions.o.share.commit.alive),
        ]
        share = self._share(m, decisions.o)
        end, ends = self._end(m, issue.finished)
        kept = self._entries(m, platform, ends)
        m.d.comb += [
            results.i.eq(share),
            results.place.eq(ends.payload),
            issue.end.eq(end),
            pool.i.payload.eq(ends.payload),
            pool.i.valid.eq(transfer(ends)),
        ]
        self._finish(m, ends, kept, results.o)
        return m

    def _share(self, m: Module, decided: data.View) -> data.View:
        """A node's share in its subtree's result, past the slack if there is one."""
        share = Signal(ShareLayout(self.config))
        if not self.config.temporal:
            m.d.comb += [share.valid.eq(decided.valid), share.commit.eq(decided.share.commit)]
            return share
        m.submodules.slack = slack = Slack(config=self.config)
        valid = Signal(Slack.latency)
        m.d.sync += valid.eq(Cat(decided.valid, valid[:-1]))
        m.d.comb += [
            slack.i.eq(decided.share),
            share.valid.eq(valid[-1]),
            share.commit.eq(slack.o.commit),
            share.slack.eq(slack.o.slack),
        ]
        return share

    def _end(self, m: Module, finished: Value) -> tuple[data.View, stream.Interface]:
        """Takes finished contexts one by one.

        Returns: the one that is taken, and a stream of them from the cycle on in which the last share can be read.
        """
        count = self.config.contexts
        end = Signal(data.StructLayout({"valid": 1, "context": range(count)}))
        m.submodules.ends = ends = StreamQueue(shape=range(count), depth=count)
        behind = Signal(1 + self.share_latency)  # a context on its way to `ends`
        contexts = [Signal(range(count), name=f"ending_{k}") for k in range(len(behind))]
        for k in range(count):
            with m.If(finished[k]):
                m.d.comb += end.context.eq(k)
        m.d.comb += [
            end.valid.eq(finished.any()),
            ends.i.payload.eq(contexts[-1]),
            ends.i.valid.eq(behind[-1]),
        ]
        m.d.sync += behind.eq(Cat(end.valid, behind[:-1]))
        for source, context in zip([end.context, *contexts], contexts, strict=False):
            m.d.sync += context.eq(source)
        return end, ends.o

    def _entries(self, m: Module, platform: object, ends: stream.Interface) -> data.View:
        """What is kept of each subtree beside its nodes. Returns: that of the context at `ends`, a cycle later."""
        config = self.config
        entry = data.StructLayout({"load": LoadLayout(config), "first_child": SUBTREE_BITS, "children": 6})
        write, read = two_port_memory(m, platform, "entries", width=entry.size, depth=config.contexts)
        header = Signal(block_header_layout())
        new, kept = Signal(entry), Signal(entry)
        m.d.comb += [
            Value.cast(header).eq(self.word.data[: block_header_layout().size]),
            new.load.eq(self.word.load),
            new.first_child.eq(header.first_child),
            new.children.eq(header.children),
            write.addr.eq(self.word.load.context),
            write.data.eq(new),
            write.en.eq(self.word.valid & (self.word.row == 0)),
            read.addr.eq(ends.payload),
            read.en.eq(ends.valid),  # a context that is not at `ends` may be loaded
            Value.cast(kept).eq(read.data),
        ]
        return kept

    def _finish(self, m: Module, ends: stream.Interface, kept: data.View, gathered: data.View) -> None:
        """Puts the subtree of the context at `ends` on `o`; its entry and its result are read in the first cycle."""
        result = Signal(ResultLayout())
        read_done = Signal()
        out = self.o.payload
        free = ~self.o.valid | self.o.ready
        m.d.comb += ends.ready.eq(read_done & free)
        m.d.sync += [read_done.eq(ends.valid & ~read_done), result.eq(gathered)]
        with m.If(read_done & ~free):
            m.d.sync += read_done.eq(1)
        with m.If(transfer(ends)):
            m.d.sync += [
                self.o.valid.eq(1),
                out.result.eq(result),
                out.ticket.eq(kept.load.ticket),
                out.subtree.eq(kept.load.visit.subtree),
                out.entered.eq(kept.load.visit.entered),
                out.turn.eq(kept.load.visit.turn),
                out.first_child.eq(kept.first_child),
                out.children_end.eq(kept.first_child + kept.children),
            ]
        with m.Elif(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
