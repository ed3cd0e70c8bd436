"""Finished subtrees of all LT units, in the order of their tickets or as they come."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.arbiter import RoundRobinArbiter
from hw.lib.memory import two_port_memory
from hw.lib.queue import StreamQueue
from hw.lib.stream import connect, transfer
from hw.lod.config import Config
from hw.lod.layouts import FinishedLayout

AHEAD = 4


class Reorder(wiring.Component):
    """Merges the units' streams; with `ordered`, holds each subtree back until its turn.

    One subtree a cycle. There is a place for every ticket, so the units never wait for each
    other's subtrees. Latency 4 cycles in order, 3 as they come.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        shape = FinishedLayout(config)
        super().__init__(
            {
                "i": In(stream.Signature(shape)).array(config.units),  #: of every unit, its finished subtrees
                "o": Out(stream.Signature(shape)),  #: all of them; with `ordered` by ticket
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        shape = FinishedLayout(self.config)
        m.submodules.queue = queue = StreamQueue(shape=shape, depth=AHEAD)
        finished = self._merge(m, shape)
        connect(m, queue.o, self.o)
        if self.config.ordered:
            self._in_turn(m, platform, finished, queue.i)
        else:
            connect(m, finished, queue.i)
        return m

    def _merge(self, m: Module, shape: FinishedLayout) -> stream.Interface:
        if self.config.units == 1:
            return self.i[0]
        m.submodules.arbiter = arbiter = RoundRobinArbiter(shape=shape, count=self.config.units)
        for source, sink in zip(self.i, arbiter.i, strict=True):
            connect(m, wiring.flipped(source), sink)
        merged = stream.Signature(shape).create(path=("merged",))
        m.d.comb += [
            Value.cast(merged.payload).eq(Value.cast(arbiter.o.payload.data)),
            merged.valid.eq(arbiter.o.valid),
            arbiter.o.ready.eq(merged.ready),
        ]
        return merged

    def _in_turn(self, m: Module, platform: object, finished: stream.Interface, o: stream.Interface) -> None:
        """One place for each ticket; the next ticket's place is read as soon as it is filled."""
        config = self.config
        shape = FinishedLayout(config)
        write, read = two_port_memory(m, platform, "places", width=shape.size, depth=config.tickets)
        there = Signal(config.tickets)
        turn = Signal(range(config.tickets))
        fetched = Signal()
        fetch = Signal()
        m.d.comb += [
            finished.ready.eq(1),
            write.addr.eq(finished.payload.ticket),
            write.data.eq(finished.payload),
            write.en.eq(finished.valid),
            fetch.eq(there.bit_select(turn, 1) & (~fetched | o.ready)),
            read.addr.eq(turn),
            read.en.eq(fetch),
            Value.cast(o.payload).eq(read.data),
            o.valid.eq(fetched),
        ]
        with m.If(transfer(finished)):
            m.d.sync += there.bit_select(finished.payload.ticket, 1).eq(1)
        with m.If(fetch):
            m.d.sync += [fetched.eq(1), turn.eq(turn + 1), there.bit_select(turn, 1).eq(0)]
        with m.Elif(o.ready):
            m.d.sync += fetched.eq(0)
