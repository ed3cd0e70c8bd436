"""Stream ports for a datapath of fixed latency."""

from __future__ import annotations

from typing import Protocol

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.queue import StreamQueue
from hw.lib.stream import connect, transfer


class Datapath(Protocol):
    """A component with plain ports `i` and `o`, where o answers i after `latency` >= 1 cycles."""

    i: Value
    o: Value
    latency: int

    def elaborate(self, platform: object) -> Elaboratable: ...


class StreamPipeline(wiring.Component):
    """Lets a free-running datapath stand between two streams.

    The datapath never stalls, so that no clock enable reaches its registers: a payload enters only
    when the queue behind the datapath has a place left for it (a credit). With `keep`, a result
    whose member of that name is 0 is dropped and its credit returned.

    Latency L + 2 cycles with L = `datapath.latency`. Capacity `depth`, the datapath included.
    Throughput one payload a cycle if `depth` is at least L + 3, the time until a credit is back
    (the default is L + 4); else `depth` payloads in L + 3 cycles. A datapath with a port `turn` (`hw.lib.paced`) gets
    one payload in `interval` cycles at most.

    Raises:
        ValueError: `depth` is below 1 or the datapath's latency below 1.
    """

    def __init__(
        self, datapath: Datapath, *, depth: int | None = None, keep: str | None = None, interval: int = 1
    ) -> None:
        self.datapath = datapath
        self.keep, self.interval = keep, interval
        self.depth = datapath.latency + 4 if depth is None else depth
        if datapath.latency < 1:
            raise ValueError(f"StreamPipeline: the datapath's latency must be at least 1, it is {datapath.latency}")
        if self.depth < 1:
            raise ValueError(f"StreamPipeline: depth must be at least 1, it is {self.depth}")
        super().__init__(
            {
                "i": In(stream.Signature(datapath.i.shape())),  #: operands; ready while a result would find a place
                "o": Out(stream.Signature(datapath.o.shape())),  #: results that are kept, in order
                "arrived": Out(1),  #: the datapath's `o` is a result in this cycle, kept or not
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.datapath = path = self.datapath
        m.submodules.queue = queue = StreamQueue(shape=self.datapath.o.shape(), depth=self.depth)

        valid = Signal(self.datapath.latency)
        m.d.sync += valid.eq(Cat(transfer(self.i), valid[:-1]))
        arrived = self.arrived
        kept = arrived & path.o[self.keep] if self.keep else arrived  # type: ignore[index]

        credits = Signal(range(self.depth + 1), init=self.depth)
        m.d.comb += [
            arrived.eq(valid[-1]),
            self.i.ready.eq((credits != 0) & self._opens(m)),
            Value.cast(path.i).eq(Value.cast(self.i.payload)),
            Value.cast(queue.i.payload).eq(Value.cast(path.o)),
            queue.i.valid.eq(kept),  # a credit says that queue.i is ready
        ]
        # What leaves is known late: it selects between sums that are made beside it.
        fewer = credits - transfer(self.i) + (arrived & ~kept)
        m.d.sync += credits.eq(Mux(transfer(self.o), fewer + 1, fewer))
        connect(m, queue.o, self.o)
        return m

    def _opens(self, m: Module) -> Value:
        """Whether the datapath takes a payload in this cycle."""
        if self.interval == 1:
            return Const(1)
        turn = Signal(range(self.interval))
        m.d.sync += turn.eq(turn + 1)
        m.d.comb += self.datapath.turn.eq(turn)  # type: ignore[attr-defined]
        return turn == 0
