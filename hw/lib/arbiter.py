"""Several streams take turns on one."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, ShapeLike, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.stream import transfer
from hw.lib.tree import set_below


def round_robin(m: Module, requests: Value, last: Value) -> Signal:
    """One-hot grant of the lowest request above `last` (one-hot), else of the lowest.

    Pure logic: with no request the grant is 0; a request waits for at most `len(requests) - 1`
    other grants if `last` is set to each grant in turn.
    """
    return first_above(m, requests, set_below(m, last))


def first_above(m: Module, requests: Value, above: Value) -> Signal:
    """One-hot grant of the lowest request in the mask `above`, else of the lowest; 0 with no request.

    Both are found beside each other, since the choice between them takes as long.
    """
    count = len(requests)
    masked, grant = Signal(count, name="masked"), Signal(count, name="grant")
    m.d.comb += masked.eq(requests & above)
    first, lowest = (value & ~set_below(m, value) for value in (masked, requests))
    m.d.comb += grant.eq(Mux(masked.any(), first, lowest))
    return grant


class RoundRobinArbiter(wiring.Component):
    """Fair merge of `count` streams.

    Latency 1 cycle (a register slice behind the choice), throughput one payload a cycle. An input
    that stays valid waits for at most `count - 1` payloads of others. An input's `ready` depends on
    all inputs' `valid` and on `o.ready`.

    Inputs below `favoured` go before all others, which then wait for as long as one of these is valid.

    Raises:
        ValueError: `count` is below 2, or `favoured` not in 0..count - 1.
    """

    def __init__(self, *, shape: ShapeLike, count: int, favoured: int = 0) -> None:
        if count < 2:
            raise ValueError(f"RoundRobinArbiter: count must be at least 2, it is {count}")
        if not 0 <= favoured < count:
            raise ValueError(f"RoundRobinArbiter: favoured must lie in 0..{count - 1}, it is {favoured}")
        self.count, self.favoured = count, favoured
        self.layout = data.StructLayout(
            {
                "data": shape,  #: the payload
                "source": range(count),  #: index of its input
            }
        )
        super().__init__(
            {
                "i": In(stream.Signature(shape)).array(count),  #: what is to be merged
                "o": Out(stream.Signature(self.layout)),  #: all payloads, each with the input it came from
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        last = Signal(self.count, init=1 << (self.count - 1))
        free = Signal()
        requests = Cat(i.valid for i in self.i)
        if self.favoured:
            first = requests[: self.favoured]
            requests = Mux(first.any(), first, requests)[: self.count]
        grant = round_robin(m, requests, last)
        m.d.comb += free.eq(~self.o.valid | self.o.ready)
        with m.If(free):
            m.d.sync += self.o.valid.eq(grant.any())
        for k, i in enumerate(self.i):
            m.d.comb += i.ready.eq(grant[k] & free)
            with m.If(transfer(i)):
                m.d.sync += [
                    last.eq(Const(1 << k, self.count)),
                    Value.cast(self.o.payload.data).eq(Value.cast(i.payload)),
                    self.o.payload.source.eq(k),
                ]
        return m
