"""Receive buffers, and the meeting of a received flit with one's own."""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Const, Elaboratable, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.cluster.spec import Kind
from hw.cluster.config import Config
from hw.cluster.layouts import INDEX, TURN, ItemLayout
from hw.cluster.phase import enters_next, only_at, phase_port
from hw.cluster.vector_alu import PairLayout
from hw.lib.queue import StreamQueue
from hw.lib.stream import transfer


class ReceivePort(wiring.Component):
    """One receive buffer a link; takes from the one that the turn names, in the order of the turns.

    A sender has a credit for every place of its buffer, so that nothing arrives without room, however
    far ahead it is; the credit returns when the flit is taken. A flit is combined only after the
    node has sent its own of the same number, since the result may take its place. Latency 1 cycle to the
    ALU after the flit is at its buffer's end (2 cycles). Where the ALU takes a flit once in an interval, it gets one,
    or an idle side's turn, in phase 0; what it got holds still until the next.
    """

    def __init__(self, *, config: Config) -> None:
        self.config, spec = config, config.spec
        width = spec.link_width
        super().__init__(
            {
                **phase_port(config.interval),
                "i": In(stream.Signature(ItemLayout(spec))),  #: flits of the receive side
                "data": In(width).array(spec.links),  #: by link: the flit that arrives, if `valid`
                "valid": In(spec.links),  #: a flit arrives on these links; it is never held back
                "credit": Out(spec.links),  #: a place of these links' buffers is free again
                "own": In(stream.Signature(width)),  #: operands, one for each flit that is reduced
                "read_turn": In(TURN),  #: number of the turn that the node is sending
                "read": In(INDEX),  #: how many of its flits have left the memory
                "pause": In(1),  #: no flit is taken in this cycle
                "merge_busy": In(1),  #: a flit is in the ALU's pipeline of MERGE
                "combine_busy": In(1),  #: a flit is in the ALU's other pipeline
                "o_valid": Out(1),  #: `o` enters the ALU, which never holds it back
                "o": Out(PairLayout(spec)),  #: a taken flit and the node's own, from registers
                "waits": Out(1),  #: the next flit has not arrived
                "lost": Out(1),  #: a flit arrived without room, which credits prevent
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        links = self.config.spec.links
        item = self.i.payload
        buffers = []
        for k in range(links):
            buffer = StreamQueue(shape=self.config.spec.link_width, depth=self.config.receive_depth)
            m.submodules[f"buffer_{k}"] = buffer
            m.d.comb += [buffer.i.payload.eq(self.data[k]), buffer.i.valid.eq(self.valid[k])]
            buffers.append(buffer)
        there, chosen = Signal(), Signal(links)
        operation = item.operation
        m.d.comb += [
            there.eq(Array([b.o.valid for b in buffers])[item.link]),
            chosen.eq(Const(1, 1) << item.link),
            self.lost.eq((self.valid & ~Cat(b.i.ready for b in buffers)).any()),
            self.waits.eq(self.i.valid & item.active & ~there),
        ]
        behind = (item.turn - self.read_turn)[:TURN]
        sent = Signal()
        merges = operation.reduce & (operation.kind == Kind.MERGE)
        emptied = Mux(merges, ~self.combine_busy, ~self.merge_busy)
        # What left for the ALU in the last cycle is in neither pipeline yet.
        last_merges = self.o.operation.reduce & (self.o.operation.kind == Kind.MERGE)
        emptied = emptied & (~self.o_valid | (last_merges == merges))
        enters = enters_next(m, self, self.config.interval)
        if enters is not None:
            emptied = emptied & enters
        takes = Signal()
        m.d.comb += [
            sent.eq(behind[-1] | ((behind == 0) & (self.read > item.index))),
            takes.eq(item.active & there & sent & (~operation.reduce | self.own.valid) & emptied & ~self.pause),
            # An idle side passes too, so that turns end in order.
            self.i.ready.eq(Mux(item.active, takes, emptied)),
            self.own.ready.eq(transfer(self.i) & item.active & operation.reduce),
        ]
        for k, buffer in enumerate(buffers):
            m.d.comb += buffer.o.ready.eq(transfer(self.i) & item.active & chosen[k])
            m.d.sync += self.credit[k].eq(transfer(buffer.o))
        m.d.sync += self.o_valid.eq(transfer(self.i))
        with only_at(m, enters):
            m.d.sync += [
                self.o.own.eq(self.own.payload),
                self.o.received.eq(Array([b.o.payload for b in buffers])[item.link]),
                self.o.operation.eq(operation),
                self.o.tag.address.eq(item.address),
                self.o.tag.write.eq(item.active & ~item.discard),
                self.o.tag.last.eq(item.last),
            ]
        return m
