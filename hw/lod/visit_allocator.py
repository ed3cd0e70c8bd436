"""Gives every visit a ticket, an LT unit and a context there."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.arbiter import round_robin
from hw.lib.counters import hold
from hw.lib.stream import transfer
from hw.lib.tree import or_all
from hw.lod.config import Config
from hw.lod.layouts import LoadLayout, VisitLayout


class VisitAllocator(wiring.Component):
    """Sends visits, in order, to the units in turn, skipping units without a free context.

    Latency 1 cycle, throughput one visit a cycle. A visit waits while no context is free or all
    tickets are out.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        super().__init__(
            {
                "i": In(stream.Signature(VisitLayout())),  #: visits to begin, in order
                #: of every unit, the contexts that it can load
                "free": In(stream.Signature(range(config.contexts))).array(config.units),
                "o": Out(stream.Signature(LoadLayout(config))),  #: visits with their places, in the same order
                "returned": In(1),  #: the visit with the oldest ticket is over
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        config = self.config
        units = config.units
        ticket = Signal(range(config.tickets))
        out = Signal(range(config.tickets + 1))  # tickets
        turn = Signal(units, init=1 << (units - 1))
        grant = round_robin(m, Cat(f.valid for f in self.free), turn)
        goes = Signal()
        m.d.comb += [
            goes.eq((~self.o.valid | self.o.ready) & grant.any() & (out != config.tickets)),
            self.i.ready.eq(goes),
        ]
        taken = transfer(self.i)
        load = self.o.payload
        with m.If(taken):
            m.d.sync += [
                self.o.valid.eq(1),
                load.visit.eq(self.i.payload),
                load.ticket.eq(ticket),
                load.unit.eq(or_all([grant[k].replicate(len(load.unit)) & k for k in range(units)])),
                load.context.eq(
                    or_all([grant[k].replicate(len(load.context)) & f.payload for k, f in enumerate(self.free)])
                ),
                ticket.eq(ticket + 1),
                turn.eq(grant),
            ]
        with m.Elif(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        hold(m, out, taken, self.returned)
        for k, f in enumerate(self.free):
            m.d.comb += f.ready.eq(taken & grant[k])
        return m
