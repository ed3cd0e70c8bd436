"""Reads flits to send, as long as the peer has room."""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Const, Elaboratable, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.cluster.config import Config
from hw.cluster.layouts import INDEX, TURN, ItemLayout
from hw.lib.stream import transfer


def written_enough(item, turn, count):
    """Whether a flit may be read: the turn before it is written, or as much of that turn as the flit needs."""
    before = (item.turn - turn)[:TURN]  # earlier turns that are not completely written
    ahead = (before == 0) | before[-1]
    return ~item.wait | ahead | (item.stream & (before == 1) & (item.need <= count))


class SendPort(wiring.Component):
    """Takes flits of the send side in order and asks the memory for each when it may go.

    A flit goes when what it needs is written, the link's peer has room for it (credits: one for every
    place of the peer's receive buffer, which come back one by one), and the link is not paused.
    Latency 0; `i.ready` depends on `i.payload`.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        links = config.spec.links
        super().__init__(
            {
                "i": In(stream.Signature(ItemLayout(config.spec))),  #: flits of the send side
                "written_turn": In(TURN),  #: number of the turn that is being written
                "written": In(INDEX),  #: how many of its flits are
                "pause": In(1),  #: no link may be used in this cycle
                "credit": In(links),  #: a place at the other end of these links is free again
                "go": Out(1),  #: the flit at `i` is read from the memory in this cycle
                "link": Out(links),  #: the link it is for, one-hot; 0 without `go`
                "read_turn": Out(TURN),  #: number of the turn that is being sent
                "read": Out(INDEX),  #: how many of its flits are read
                "starved": Out(1),  #: a flit waits for a credit only
                "blocked": Out(1),  #: a flit waits for a result
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        depth, links = self.config.receive_depth, self.config.spec.links
        item = self.i.payload
        free = Signal(links)  # links with a credit
        credits = [Signal(range(depth + 1), init=depth, name=f"credits_{k}") for k in range(links)]
        chosen = Signal(links)
        ordered = Signal()
        m.d.comb += [
            free.eq(Cat(c != 0 for c in credits)),
            chosen.eq(Const(1, 1) << item.link),
            ordered.eq(written_enough(item, self.written_turn, self.written)),
            self.i.ready.eq(~item.active | (ordered & Array(free)[item.link] & ~self.pause)),
            self.go.eq(transfer(self.i) & item.active),
            self.link.eq(Mux(self.go, chosen, 0)),
            self.starved.eq(self.i.valid & item.active & ordered & ~Array(free)[item.link]),
            self.blocked.eq(self.i.valid & item.active & ~ordered),
        ]
        for k, count in enumerate(credits):
            m.d.sync += count.eq(count - self.link[k] + self.credit[k])
        with m.If(transfer(self.i)):
            m.d.sync += self.read.eq(item.index + 1)
            with m.If(item.last):
                m.d.sync += [self.read.eq(0), self.read_turn.eq(item.turn + 1)]
        return m
