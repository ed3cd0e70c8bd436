"""What a decision means for the nodes that follow it."""

from __future__ import annotations

from amaranth.hdl import Array, Elaboratable, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.lod.config import Config
from hw.lod.layouts import PLACE_BITS, DecisionLayout, SlackLayout


class Decisions(wiring.Component):
    """Counts only the nodes whose ancestors in the subtree are all expanded.

    Decisions of a context come in the order of its nodes. A node that is reached and not expanded
    (or not entered, or outside the picture) cancels everything before its `target`.
    Every decision lets the issue jump to the next node that has to be gone through. Latency 1 cycle.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        context = {"valid": 1, "context": range(config.contexts)}
        super().__init__(
            {
                "begin": In(data.StructLayout(context)),  #: a new subtree is in the context
                #: a node's decision, behind those of the nodes before it in its context
                "i": In(data.StructLayout({"valid": 1, "decision": DecisionLayout(config)})),
                #: the node is decided, and the next one of its context to go through is `target`; see `NodeIssue`
                "jump": Out(data.StructLayout({**context, "target": PLACE_BITS})),
                #: the node's share in its subtree's result, and its comparison
                "o": Out(data.StructLayout({"valid": 1, "share": SlackLayout(config)})),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        node = self.i.decision
        resume = Array(Signal(PLACE_BITS, name=f"resume_{k}") for k in range(self.config.contexts))
        reached, aside, rejected = Signal(), Signal(), Signal()
        m.d.comb += [
            reached.eq(self.i.valid & (node.index >= resume[node.context])),
            aside.eq(node.inner & node.outside),
            rejected.eq(reached & (node.shut | aside | (node.inner & ~node.big))),
        ]
        for k, place in enumerate(resume):
            with m.If(self.begin.valid & (self.begin.context == k)):
                m.d.sync += place.eq(0)
            with m.Elif(rejected & (node.context == k)):
                m.d.sync += place.eq(node.target)
        share = self.o.share
        m.d.sync += [
            self.jump.valid.eq(self.i.valid),
            self.jump.context.eq(node.context),
            self.jump.target.eq(Mux(reached & ~rejected, node.after, node.past)),
            self.o.valid.eq(self.i.valid),
            share.left.eq(node.left),
            share.right.eq(node.right),
            share.zeros.eq(node.zeros),
            share.commit.alive.eq(reached & ~node.shut),
            share.commit.aside.eq(aside),
            *(
                share.commit[n].eq(node[n])
                for n in ("context", "index", "inner", "big", "was", "frontier", "link", "turn")
            ),
        ]
        return m
