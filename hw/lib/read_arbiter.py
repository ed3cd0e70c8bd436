"""Several readers on one memory port."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.lib.arbiter import RoundRobinArbiter
from hw.lib.bypass_buffer import BypassBuffer
from hw.lib.memory_port import ReadRequestLayout, ReadSignature
from hw.lib.queue import StreamQueue
from hw.lib.stream import connect, transfer


class ReadArbiter(wiring.Component):
    """Round robin among `count` clients, a whole burst at a time.

    Requests pass in 1 cycle; responses go back to their client combinationally, in request order,
    from 2 cycles after the request has left. Throughput one request and one word a cycle. At most
    `outstanding` bursts are under way. Clients must have room for what they asked. A client's `ready` leaves from a
    flip-flop: one request of each may wait for its turn in here. The first `favoured` clients go before all others.

    Raises:
        ValueError: `count` or `outstanding` is below 2, `favoured` not in 0..count - 1, or `width` is no power of two
            of at least 32.
    """

    def __init__(self, *, width: int, count: int, outstanding: int = 64, favoured: int = 0) -> None:
        for name, value in (("count", count), ("outstanding", outstanding)):
            if value < 2:
                raise ValueError(f"ReadArbiter: {name} must be at least 2, it is {value}")
        self.width, self.count, self.outstanding, self.favoured = width, count, outstanding, favoured
        super().__init__(
            {
                "clients": In(ReadSignature(width)).array(count),  #: read ports, towards the clients
                "memory": Out(ReadSignature(width)),  #: all their bursts
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.arbiter = arbiter = RoundRobinArbiter(
            shape=ReadRequestLayout(), count=self.count, favoured=self.favoured
        )
        m.submodules.owners = owners = StreamQueue(shape=range(self.count), depth=self.outstanding)
        request, response = self.memory.request, self.memory.response
        owner = Signal(self.count)  # one-hot
        for k, (client, i) in enumerate(zip(self.clients, arbiter.i, strict=True)):
            # Whose turn it is must not reach into the clients within the cycle: some decide by `ready` what they do.
            m.submodules[f"waiting_{k}"] = waiting = BypassBuffer(shape=ReadRequestLayout())
            connect(m, client.request, waiting.i)
            connect(m, waiting.o, i)
            m.d.comb += client.response.payload.eq(response.payload)
        m.d.comb += [
            request.payload.eq(arbiter.o.payload.data),
            # A request leaves only together with a note of its owner; `owners` takes it in the
            # same cycle, and its ready does not depend on valid, so neither can get lost.
            request.valid.eq(arbiter.o.valid & owners.i.ready),
            arbiter.o.ready.eq(request.ready & owners.i.ready),
            owners.i.payload.eq(arbiter.o.payload.source),
            owners.i.valid.eq(transfer(request)),
            owner.eq(Cat(owners.o.valid & (owners.o.payload == k) for k in range(self.count))),
            response.ready.eq((owner & Cat(client.response.ready for client in self.clients)).any()),
            owners.o.ready.eq(transfer(response) & response.payload.last),
        ]
        for k, client in enumerate(self.clients):
            m.d.comb += client.response.valid.eq(response.valid & owner[k])
        return m
