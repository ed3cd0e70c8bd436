"""Moves messages between external memory and the nodes' memories."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.cluster.spec import Op
from hw.cluster.config import Config
from hw.cluster.layouts import LENGTH, address_bits, command_layout
from hw.lib.burst_reader import BurstReader
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature, WriteLayout, WriteSignature
from hw.lib.queue import StreamQueue
from hw.lib.stream import connect, transfer

BURST = 16  # words a request
READ_LATENCY = 3  # of a node's memory, and the choice among nodes
QUEUE = 8  # words on their way out


class Mover(wiring.Component):
    """LOAD and STORE, node after node; one word a cycle after the memory's latency.

    Members:
        i: stream of LOAD and STORE commands; taken at its end.
        rank: the node at hand. read, write: its memory is accessed at `address`, with `data`.
        word: what was read `READ_LATENCY` cycles ago.
        moved: a word moves. busy: a command is under way.
        memory, out: external memory.
    """

    def __init__(self, *, config: Config) -> None:
        self.config, spec = config, config.spec
        super().__init__(
            {
                "i": In(stream.Signature(command_layout())),
                "rank": Out(range(spec.nodes)),
                "read": Out(1),
                "write": Out(1),
                "address": Out(address_bits(spec)),
                "data": Out(spec.link_width),
                "word": In(spec.link_width),
                "moved": Out(1),
                "busy": Out(1),
                "memory": Out(ReadSignature(spec.link_width)),
                "out": Out(WriteSignature(spec.link_width)),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec, c = self.config.spec, self.i.payload
        m.submodules.reader = reader = BurstReader(width=spec.link_width, depth=self.config.read_words)
        m.submodules.queue = queue = StreamQueue(shape=WriteLayout(spec.link_width), depth=QUEUE)
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)
        connect(m, queue.o, self.out.request)

        asked, done = Signal(LENGTH), Signal(LENGTH)  # words of this node
        base = Signal(address_bits(spec))  # of this node's part in its memory …
        outside = Signal(ADDRESS_WIDTH)  # … and in external memory
        place = Signal(ADDRESS_WIDTH)  # of the next word outside
        rest = (c.flits - asked)[:LENGTH]
        loads = c.op == Op.LOAD
        ends = Signal()
        m.d.comb += [
            reader.i.payload.address.eq(place),
            reader.i.payload.length.eq(Mux(rest > BURST, BURST, rest)),
            self.data.eq(reader.o.payload),
            ends.eq(done == c.flits),
        ]
        room = Signal(range(QUEUE + 1), init=QUEUE)
        arrives = Signal(READ_LATENCY)  # words that were read from a node
        m.d.sync += [
            arrives.eq((arrives << 1) | self.read),
            room.eq(room - self.read + transfer(queue.o)),
        ]
        m.d.comb += [
            queue.i.valid.eq(arrives[-1]),
            queue.i.payload.data.eq(self.word),
            queue.i.payload.address.eq(place),
            queue.i.payload.last.eq(1),
            self.moved.eq(self.read | self.write),
            self.address.eq(base + done),
        ]
        with m.FSM():
            with m.State("idle"):
                first = Mux(loads, c.target, c.source)
                m.d.sync += [base.eq(first), outside.eq(c.external), place.eq(c.external), self.rank.eq(0)]
                with m.If(self.i.valid):
                    m.d.sync += self.busy.eq(1)
                    m.next = "node"
            with m.State("node"):
                with m.If(loads):
                    m.d.comb += [
                        reader.i.valid.eq(rest != 0),
                        reader.o.ready.eq(1),
                        self.write.eq(reader.o.valid),
                    ]
                    with m.If(transfer(reader.i)):
                        length = reader.i.payload.length
                        m.d.sync += [asked.eq(asked + length), place.eq(place + length * spec.flit_bytes)]
                with m.Else():
                    m.d.comb += self.read.eq((room != 0) & ~ends)
                    with m.If(queue.i.valid):
                        m.d.sync += place.eq(place + spec.flit_bytes)
                m.d.sync += done.eq(done + self.moved)
                with m.If(ends & (room == QUEUE)):
                    m.d.sync += [
                        done.eq(0),
                        asked.eq(0),
                        self.rank.eq(self.rank + 1),
                        base.eq(base + c.rank_stride),
                        outside.eq(outside + c.external_stride),
                        place.eq(outside + c.external_stride),
                    ]
                    with m.If(self.rank == spec.nodes - 1):
                        m.d.comb += self.i.ready.eq(1)
                        m.d.sync += self.busy.eq(0)
                        m.next = "idle"
        return m
