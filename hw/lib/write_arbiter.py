"""Several writers on one memory port."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.lib.arbiter import RoundRobinArbiter
from hw.lib.memory_port import WriteLayout, WriteSignature
from hw.lib.stream import connect, transfer


class WriteArbiter(wiring.Component):
    """Round robin among `count` clients, word by word.

    Latency 1 cycle, throughput one word a cycle; the words of a client stay in order. A run of one
    client may be interrupted by words of others.

    Raises:
        ValueError: `count` is below 2, or `width` is no power of two of at least 32.
    """

    def __init__(self, *, width: int, count: int) -> None:
        if count < 2:
            raise ValueError(f"WriteArbiter: count must be at least 2, it is {count}")
        self.width, self.count = width, count
        super().__init__(
            {
                "clients": In(WriteSignature(width)).array(count),  #: write ports, towards the clients
                "memory": Out(WriteSignature(width)),  #: all their words
                "taken": Out(count),  #: bit k: the memory takes a word of client k in this cycle
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.arbiter = arbiter = RoundRobinArbiter(shape=WriteLayout(self.width), count=self.count)
        for client, i in zip(self.clients, arbiter.i, strict=True):
            connect(m, client.request, i)
        request = self.memory.request
        m.d.comb += [
            request.payload.eq(arbiter.o.payload.data),
            request.valid.eq(arbiter.o.valid),
            arbiter.o.ready.eq(request.ready),
            self.taken.eq(Cat(transfer(request) & (arbiter.o.payload.source == k) for k in range(self.count))),
        ]
        return m
