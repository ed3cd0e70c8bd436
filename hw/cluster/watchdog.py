"""Ends a run in which nothing moves, and names the node that is stuck."""

from __future__ import annotations

from amaranth.hdl import Array, Elaboratable, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.cluster.spec import Spec
from hw.lib.one_hot import lowest


class Watchdog(wiring.Component):
    """After `limit` cycles without movement the watchdog follows the waiting nodes to the one that waits for nobody.

    A node that waits for a flit or a credit names the node it waits for. The walk starts at the
    lowest node that waits, or at the lowest that is not idle, and takes N steps. With all nodes idle
    it is the external memory that is stuck, and `node` is N. The result is there N + 1 cycles after the time
    is over.
    """

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        super().__init__(
            {
                "enable": In(1),  #: a program runs; without it no time passes
                "moves": In(1),  #: something moved: time starts anew
                "limit": In(32),  #: cycles without movement that end the run; 0: never
                "idle": In(spec.nodes),  #: by node: it has no command left
                "waits": In(spec.nodes),  #: by node: it lacks a flit or a credit
                "waits_for": In(range(spec.nodes)).array(spec.nodes),  #: by node: the node that it lacks it from
                "expired": Out(1),  #: the time is over; holds until reset
                "node": Out(
                    range(spec.nodes + 1)
                ),  #: with `expired`: the node that is stuck, or N for the external memory
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        nodes = self.spec.nodes
        quiet = Signal(32)
        steps = Signal(range(nodes + 1))
        walking = Signal()
        m.d.sync += quiet.eq(Mux(~self.enable | self.moves, 0, quiet + 1))
        suspects = Mux(self.waits.any(), self.waits, ~self.idle)
        first = lowest(suspects)
        with m.If(~walking & ~self.expired & (self.limit != 0) & (quiet >= self.limit)):
            start = Signal(range(nodes))
            for k in range(nodes):
                with m.If(first[k]):
                    m.d.comb += start.eq(k)
            m.d.sync += [walking.eq(1), steps.eq(0), self.node.eq(Mux(self.idle.all(), nodes, start))]
        with m.Elif(walking):
            here = self.node[: self.spec.rounds]
            m.d.sync += steps.eq(steps + 1)
            with m.If((steps == nodes) | (self.node == nodes) | ~Array(self.waits)[here]):
                m.d.sync += [walking.eq(0), self.expired.eq(1)]
            with m.Else():
                m.d.sync += self.node.eq(Array(self.waits_for)[here])
        return m
