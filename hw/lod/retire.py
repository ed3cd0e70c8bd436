"""What follows from a visited subtree: calls of its children, a result, a new state."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.lod.memory_map import RESULT
from golden.lod.spec import NEVER, SLACK_BITS
from hw.lib.fork import StreamFork
from hw.lib.stream import connect, transfer
from hw.lod.config import Config
from hw.lod.layouts import FinishedLayout, layout_of, queue_layout, state_layout


class Retire(wiring.Component):
    """Hands every finished subtree to its three takers. Latency 0, one a cycle."""

    def __init__(self, *, config: Config) -> None:
        self.config = config
        super().__init__(
            {
                "keep": In(1),  #: the view updates the state table
                "travelled": In(data.ArrayLayout(32, 2)),  #: odometers by turn
                "i": In(stream.Signature(FinishedLayout(config))),  #: finished subtrees, in the order of their visits
                "calls": Out(stream.Signature(queue_layout())),  #: of subtrees that call a child
                "results": Out(stream.Signature(layout_of(RESULT))),  #: a record of every subtree
                "states": Out(stream.Signature(state_layout())),  #: its new state; only with `keep`
                "retired": Out(1),  #: a subtree is over
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.fork = fork = StreamFork(shape=FinishedLayout(self.config), count=3)
        connect(m, wiring.flipped(self.i), fork.i)
        finished = self.i.payload
        result = finished.result
        calls = result.children != 0
        reading = Signal(33)
        m.d.comb += [
            self.retired.eq(transfer(self.i)),
            self.calls.payload.first_child.eq(finished.first_child),
            self.calls.payload.children.eq(result.children),
            self.calls.payload.expanded.eq(result.expanded),
            self.calls.valid.eq(fork.o[0].valid & calls),
            fork.o[0].ready.eq(self.calls.ready | ~calls),
            self.results.payload.subtree.eq(finished.subtree),
            self.results.payload.cut.eq(result.cut),
            self.results.valid.eq(fork.o[1].valid),
            fork.o[1].ready.eq(self.results.ready),
            reading.eq(Mux(finished.turn, self.travelled[1], self.travelled[0]) + result.least),
            self.states.payload.deadline.eq(Mux(result.least[SLACK_BITS] | reading[32], NEVER, reading)),
            self.states.payload.entered.eq(finished.entered),
            self.states.payload.cut.eq(result.cut),
            self.states.payload.expanded.eq(result.expanded),
            self.states.valid.eq(fork.o[2].valid & self.keep),
            fork.o[2].ready.eq(self.states.ready | ~self.keep),
        ]
        return m
