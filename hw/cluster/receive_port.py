"""Receive buffers, and the meeting of a received flit with one's own."""

from __future__ import annotations

from amaranth.hdl import Array, Cat, Const, Elaboratable, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.cluster.spec import Kind
from hw.cluster.config import Config
from hw.cluster.layouts import INDEX, TURN, ItemLayout, operation_layout
from hw.cluster.vector_alu import TagLayout
from hw.lib.queue import StreamQueue
from hw.lib.stream import transfer


class ReceivePort(wiring.Component):
    """One receive buffer a link; takes from the one that the turn names, in the order of the turns.

    A sender has a credit for every place of its buffer, so that nothing arrives without room, however
    far ahead it is; the credit returns when the flit is taken. A flit is combined only after the
    node has sent its own of the same number, since the result may take its place. Latency 1 cycle to the
    ALU after the flit is at its buffer's end (2 cycles).

    Members:
        i: stream of flits of the receive side.
        data, valid: from every link. credit: a place of that link's buffer is free again.
        own: stream of operands, for flits that are reduced.
        read_turn, read: how far the node has sent.
        pause: nothing is taken in this cycle.
        merge_busy, combine_busy: of the ALU.
        o_valid, o: to the ALU, registered.
        waits: the flit has not arrived. lost: a flit arrived without room, which credits prevent.
    """

    def __init__(self, *, config: Config) -> None:
        self.config, spec = config, config.spec
        width = spec.link_width
        super().__init__(
            {
                "i": In(stream.Signature(ItemLayout(spec))),
                "data": In(width).array(spec.links),
                "valid": In(spec.links),
                "credit": Out(spec.links),
                "own": In(stream.Signature(width)),
                "read_turn": In(TURN),
                "read": In(INDEX),
                "pause": In(1),
                "merge_busy": In(1),
                "combine_busy": In(1),
                "o_valid": Out(1),
                "o": Out(
                    data.StructLayout(
                        {"own": width, "received": width, "operation": operation_layout(), "tag": TagLayout(spec)}
                    )
                ),
                "waits": Out(1),
                "lost": Out(1),
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
        m.d.sync += [
            self.o_valid.eq(transfer(self.i)),
            self.o.own.eq(self.own.payload),
            self.o.received.eq(Array([b.o.payload for b in buffers])[item.link]),
            self.o.operation.eq(operation),
            self.o.tag.address.eq(item.address),
            self.o.tag.write.eq(item.active & ~item.discard),
            self.o.tag.last.eq(item.last),
        ]
        return m
