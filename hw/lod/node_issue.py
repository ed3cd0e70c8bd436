"""Which node an LT unit tests next: depth-first in every subtree, the subtrees in turn."""

from __future__ import annotations

from amaranth.hdl import Array, Elaboratable, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.arbiter import first_above
from hw.lib.tree import or_all
from hw.lod.config import Config
from hw.lod.layouts import INDEX_BITS, PLACE_BITS, EntranceLayout


class NodeIssue(wiring.Component):
    """A program counter for every context; one node a cycle.

    Contexts without an undecided node come first, and the oldest of them before the others.
    Contexts are handed out in a ring, so the oldest is the next one after the context that began
    last. If every context waits for a decision, the unit goes on as if the node were expanded;
    `Decisions` drops what turns out to lie below a rejected node. Every decision moves the counter
    on to the next node that has to be gone through. So a unit with enough subtrees wastes no cycle
    on descendants that are not reached, and one with a single subtree does not wait for each
    decision.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        context = {"valid": 1, "context": range(config.contexts)}
        super().__init__(
            {
                #: a subtree with its first node to go through and its last one
                "begin": In(EntranceLayout(self.config)),
                #: an issued node is decided, and nothing before `target` is to be issued any more
                "jump": In(data.StructLayout({**context, "target": PLACE_BITS})),
                "end": In(data.StructLayout(context)),  #: this finished context is taken: it holds no subtree any more
                "ask": Out(data.StructLayout({**context, "index": INDEX_BITS})),  #: the node chosen in the cycle before
                "queued": Out(1),  #: a node for which no decision is missing is chosen in this cycle
                "finished": Out(config.contexts),  #: contexts all of whose nodes are decided or jumped over
                "working": Out(1),  #: some context has a node that is not
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        count = self.config.contexts
        more, grant, active = (Signal(count, name=n) for n in ("more", "grant", "active"))
        ready = Signal(count)  # contexts with a node for which no decision is missing
        idle = Signal(count, init=-1)  # no node of the context waits for its decision
        behind = Signal(count)  # contexts behind the one that began last: the oldest are among them
        fresh, either = first_above(m, ready, behind), first_above(m, more, behind)
        places = Array(Signal(PLACE_BITS, name=f"place_{k}") for k in range(count))
        m.d.comb += [
            ready.eq(more & idle),
            self.queued.eq(ready.any()),
            grant.eq(Mux(self.queued, fresh, either)),
            self.finished.eq(active & ~more & idle),
            self.working.eq((active & (more | ~idle)).any()),
        ]
        m.d.sync += [
            self.ask.valid.eq(grant.any()),
            self.ask.context.eq(or_all([Mux(grant[k], k, 0) for k in range(count)])),
            self.ask.index.eq(or_all([Mux(grant[k], places[k], 0) for k in range(count)])),
        ]
        with m.If(self.begin.valid):
            m.d.sync += [behind[k].eq(self.begin.context < k) for k in range(1, count)]  # none is below the first
        for k in range(count):
            begins = self.begin.valid & (self.begin.context == k)
            decided = self.jump.valid & (self.jump.context == k)
            ends = self.end.valid & (self.end.context == k)
            last = Signal(INDEX_BITS, name=f"last_{k}")
            stay, step, under_way = (Signal(PLACE_BITS, name=f"{name}_{k}") for name in ("stay", "step", "under_way"))
            # Both cases are worked out beside the choice, so that the choice only selects between them.
            jumps = decided & (self.jump.target > places[k])
            m.d.comb += [
                stay.eq(Mux(jumps, self.jump.target, places[k])),
                step.eq(Mux(jumps, self.jump.target, places[k] + 1)),
            ]
            m.d.sync += [
                places[k].eq(Mux(grant[k], step, stay)),
                more[k].eq(active[k] & Mux(grant[k], step <= last, stay <= last)),
                under_way.eq(under_way + grant[k] - decided),
                idle[k].eq(~grant[k] & (under_way == decided)),
            ]
            with m.If(begins):
                m.d.sync += [
                    active[k].eq(1),
                    more[k].eq(self.begin.first <= self.begin.last),
                    places[k].eq(self.begin.first),
                    last.eq(self.begin.last),
                ]
            with m.Elif(ends):
                m.d.sync += active[k].eq(0)
        return m
