"""A writer that leaves memory to the readers."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.lib.counters import hold
from hw.lib.memory_port import WriteSignature
from hw.lib.stream import transfer


class WritePace(wiring.Component):
    """While bursts are being read, a word of the client passes at most every `interval` cycles; else every cycle.

    For a client with a queue, before a DRAM: its controller goes on writing while its queue is full, and a stream of
    words keeps reads out. Latency 0; a word that was offered stays. At most `bursts` are under way.

    Raises:
        ValueError: `interval` is below 2, or `width` is no power of two of at least 32.
    """

    def __init__(self, *, width: int, interval: int, bursts: int) -> None:
        if interval < 2:
            raise ValueError(f"WritePace: interval must be at least 2, it is {interval}")
        self.interval, self.bursts = interval, bursts
        super().__init__(
            {
                "client": In(WriteSignature(width)),  #: the writer
                "memory": Out(WriteSignature(width)),  #: its words, in their order
                "asked": In(1),  #: a burst is asked for in this cycle, by any reader
                "answered": In(1),  #: a burst's last word comes in this cycle
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        client, memory = self.client.request, self.memory.request
        under_way = Signal(range(self.bursts + 1))
        hold(m, under_way, self.asked, self.answered)
        rest = Signal(range(self.interval))  # cycles in which nothing passes while bursts are under way
        passes, offered = Signal(), Signal()
        m.d.comb += [
            passes.eq((rest == 0) | (under_way == 0) | offered),
            memory.payload.eq(client.payload),
            memory.valid.eq(client.valid & passes),
            client.ready.eq(memory.ready & passes),
        ]
        m.d.sync += [
            offered.eq(memory.valid & ~memory.ready),
            rest.eq(Mux(transfer(memory), self.interval - 1, rest - (rest != 0))),
        ]
        return m
