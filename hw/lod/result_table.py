"""The results of the subtrees that an LT unit holds, gathered node by node."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from golden.lod.memory_map import MASK_BITS
from golden.lod.spec import SLACK_BITS
from hw.lod.config import Config
from hw.lod.layouts import ResultLayout, ShareLayout


class ResultTable(wiring.Component):
    """Adds each node's share to its context's result in one cycle, any context in any cycle.

    A reached node that is not expanded is on the cut, unless it is outside the picture. A frontier
    node that is expanded now and was not, or the other way, calls its child subtree. The least
    slack is that of the reached inner nodes. Latency 2 cycles from `i` to what `place` reads.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        context = {"valid": 1, "context": range(config.contexts)}
        super().__init__(
            {
                "begin": In(data.StructLayout(context)),  #: the context's result is empty from now on
                "i": In(ShareLayout(config)),  #: a node's share
                "place": In(range(config.contexts)),  #: the context whose result is at `o`
                "o": Out(ResultLayout()),  #: combinational from `place`; empty if no share was added
                "tested": Out(1),  #: a share is added in this cycle
                "counted": Out(2),  #: it is that of a node that is reached, in a view of turn 0 or 1
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        layout = ResultLayout()
        m.submodules.results = results = Memory(shape=layout.size, depth=self.config.contexts, init=[])
        write = results.write_port()
        read, show = (results.read_port(domain="comb") for _ in range(2))
        commit = self.i.commit

        valid, alive, turn = Signal(), Signal(), Signal()
        context = Signal.like(commit.context)
        share = Signal(layout)
        nothing = Const(0, MASK_BITS)
        empty = layout.const({"least": 1 << SLACK_BITS})
        one, link = Signal(MASK_BITS), Signal(MASK_BITS)
        expanded = commit.inner & commit.big & ~commit.aside
        outward = commit.alive & expanded & commit.frontier
        m.d.comb += [one.eq(1 << commit.index), link.eq(1 << commit.link)]
        m.d.sync += [
            valid.eq(self.i.valid),
            alive.eq(commit.alive),
            turn.eq(commit.turn),
            context.eq(commit.context),
            share.cut.eq(Mux(commit.alive & ~expanded & ~commit.aside, one, nothing)),
            share.expanded.eq(Mux(outward, one, nothing)),
            share.children.eq(Mux(commit.inner & commit.frontier & (outward ^ commit.was), link, nothing)),
            share.least.eq(Mux(commit.alive & commit.inner, self.i.slack, 1 << SLACK_BITS)),
        ]

        fresh = Signal(self.config.contexts)
        old, new, seen = Signal(layout), Signal(layout), Signal(layout)
        first = fresh.bit_select(context, 1)
        m.d.comb += [
            read.addr.eq(context),
            Value.cast(seen).eq(read.data),
            Value.cast(old).eq(Mux(first, 0, read.data)),
            new.cut.eq(old.cut | share.cut),
            new.expanded.eq(old.expanded | share.expanded),
            new.children.eq(old.children | share.children),
            new.least.eq(Mux(first | (share.least < seen.least), share.least, seen.least)),
            write.addr.eq(context),
            write.data.eq(new),
            write.en.eq(valid),
            show.addr.eq(self.place),
            Value.cast(self.o).eq(Mux(fresh.bit_select(self.place, 1), empty, show.data)),
            self.tested.eq(valid),
            self.counted.eq(Cat(valid & alive & ~turn, valid & alive & turn)),
        ]
        with m.If(valid):
            m.d.sync += fresh.bit_select(context, 1).eq(0)
        with m.If(self.begin.valid):
            m.d.sync += fresh.bit_select(self.begin.context, 1).eq(1)
        return m
