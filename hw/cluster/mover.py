"""Moves messages between external memory and the nodes' memories."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.cluster.spec import Move, Op
from hw.cluster.config import Config
from hw.cluster.layouts import LENGTH, HostLayout, address_bits, command_layout
from hw.lib.burst_reader import BurstReader
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature, WriteLayout, WriteSignature
from hw.lib.queue import StreamQueue
from hw.lib.stream import connect, transfer

BURST = 16  # words a request
READ_LATENCY = 3  # of the nodes' memories
QUEUE = 8  # words on their way out


class Mover(wiring.Component):
    """LOAD and STORE, all nodes at once: a word of external memory, which is a flit for every node, a cycle.

    LOAD of kind BROADCAST writes one lane of a word to all nodes a cycle, and so needs N cycles a word.
    """

    def __init__(self, *, config: Config) -> None:
        self.config, self.width = config, 8 * config.word_bytes
        super().__init__(
            {
                "i": In(stream.Signature(command_layout())),  #: LOAD and STORE, each taken at its end
                "host": Out(HostLayout(config.spec, nodes=config.spec.nodes)),  #: access to the nodes' memories
                "word": In(self.width),  #: the flits that were read `READ_LATENCY` cycles ago, node 0's lowest
                "moved": Out(1),  #: a word moves, or a lane of one that is broadcast
                "busy": Out(1),  #: a command is under way
                "memory": Out(ReadSignature(self.width)),  #: external memory, for LOAD
                "out": Out(WriteSignature(self.width)),  #: external memory, for STORE
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec, c, host = self.config.spec, self.i.payload, self.host
        m.submodules.reader = reader = BurstReader(width=self.width, depth=self.config.read_words)
        m.submodules.queue = queue = StreamQueue(shape=WriteLayout(self.width), depth=QUEUE)
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)
        connect(m, queue.o, self.out.request)

        log2_word = self.config.word_bytes.bit_length() - 1
        asked, done = Signal(LENGTH), Signal(LENGTH)  # words
        place = Signal(ADDRESS_WIDTH - log2_word)  # number of the next word outside
        row = Signal(address_bits(spec))  # of the word at hand in node 0's memory …
        address = Signal.like(row)  # … and of the lane at hand
        lane = Signal(range(spec.nodes))
        rest = (c.flits - asked)[:LENGTH]
        loads = c.op == Op.LOAD
        spreads, whole, ends = Signal(), Signal(), Signal()
        m.d.comb += [
            spreads.eq(loads & (c.kind == Move.BROADCAST)),
            whole.eq(~spreads | (lane == spec.nodes - 1)),  # the word's last cycle
            ends.eq(done == c.flits),
            reader.i.payload.address.eq(place << log2_word),
            reader.i.payload.length.eq(Mux(rest > BURST, BURST, rest)),
            host.address.eq(address),
            host.stride.eq(Mux(spreads, 0, c.rank_stride)),
            host.data.eq(
                Mux(
                    spreads,
                    reader.o.payload.word_select(lane, spec.link_width).replicate(spec.nodes),
                    reader.o.payload,
                )
            ),
            self.moved.eq(host.read | host.write.any()),
        ]
        room = Signal(range(QUEUE + 1), init=QUEUE)
        arrives = Signal(READ_LATENCY)  # words that were read from the nodes
        m.d.sync += [
            arrives.eq((arrives << 1) | host.read),
            room.eq(room - host.read + transfer(queue.o)),
        ]
        m.d.comb += [
            queue.i.valid.eq(arrives[-1]),
            queue.i.payload.data.eq(self.word),
            queue.i.payload.address.eq(place << log2_word),
            queue.i.payload.last.eq(1),
        ]
        with m.If(self.moved):
            m.d.sync += [lane.eq(lane + spreads), address.eq(address + c.rank_stride)]
            with m.If(whole):
                m.d.sync += [done.eq(done + 1), row.eq(row + 1), address.eq(row + 1)]
        with m.FSM():
            with m.State("idle"):
                first = Mux(loads, c.target, c.source)
                m.d.sync += [
                    asked.eq(0),
                    done.eq(0),
                    row.eq(first),
                    address.eq(first),
                    place.eq(c.external[log2_word:]),
                    self.busy.eq(self.i.valid),
                ]
                with m.If(self.i.valid):
                    m.next = "move"
            with m.State("move"):
                with m.If(loads):
                    m.d.comb += [
                        reader.i.valid.eq(rest != 0),
                        reader.o.ready.eq(whole),
                        host.write.eq(reader.o.valid.replicate(spec.nodes)),
                    ]
                    with m.If(transfer(reader.i)):
                        length = reader.i.payload.length
                        m.d.sync += [asked.eq(asked + length), place.eq(place + length)]
                with m.Else():
                    m.d.comb += host.read.eq((room != 0) & ~ends)
                    with m.If(queue.i.valid):
                        m.d.sync += place.eq(place + 1)
                with m.If(ends & (room == QUEUE)):
                    m.d.comb += self.i.ready.eq(1)
                    m.d.sync += self.busy.eq(0)
                    m.next = "idle"
        return m
