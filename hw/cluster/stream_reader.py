"""Reads the decode units' streams, ahead of their commands where that is allowed."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.cluster.spec import INDEPENDENT, Op
from hw.cluster.config import Config
from hw.cluster.layouts import LENGTH, command_layout
from hw.cluster.stream_beats import group_flits
from hw.lib.burst_reader import BurstReader
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature
from hw.lib.queue import StreamQueue
from hw.lib.stream import connect, transfer

BURST = 16  # words a request
COUNTING = 3  # cycles until a stream's number of words is known
KNOWN = 4  # commands that wait to be asked for
AHEAD = 4  # bits of a stream's number: more streams than can be between their requests and their beginning


class StreamReader(wiring.Component):
    """The words of the streams of commands, in the order of the commands.

    With W = `record` words a row (of weights, or a token), a stream has

        GEMV: flits · (1 + groups + L·W)    SCORE, WEIGH: flits · W    LOAD: flits

    words. They are asked for when the command is known if it is INDEPENDENT, else when it `begins`.
    """

    def __init__(self, *, config: Config) -> None:
        self.config, self.width = config, 8 * config.word_bytes
        super().__init__(
            {
                "i": In(stream.Signature(command_layout())),  #: commands that have streams; four may wait
                "begins": In(1),  #: the next of them is executed from now on
                "o": Out(stream.Signature(self.width)),  #: words of their streams, in order
                "last": Out(1),  #: the word at `o` is its stream's last
                "memory": Out(ReadSignature(self.width)),  #: for the streams
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.known = known = StreamQueue(shape=command_layout(), depth=KNOWN)
        spec, c = self.config.spec, known.o.payload
        connect(m, self.i, known.i)
        m.submodules.reader = reader = BurstReader(width=self.width, depth=self.config.read_words)
        m.submodules.lengths = lengths = StreamQueue(shape=32, depth=KNOWN)
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)
        rows, row, total = Signal(LENGTH), Signal(LENGTH + 4), Signal(32)
        block = 1 + group_flits(spec, c.record) + (c.record << (spec.lanes - 1).bit_length())
        m.d.sync += [
            rows.eq(c.flits),
            row.eq(Mux(c.op == Op.GEMV, block, Mux(c.op == Op.LOAD, 1, c.record))),
            total.eq(rows * row),
        ]
        debt = Signal(signed(AHEAD))  # streams that have begun, less those that were asked for
        m.d.sync += debt.eq(debt + self.begins - transfer(known.o))
        may_ask = (c.flags & INDEPENDENT).any() | (debt > 0)
        wait = Signal(range(COUNTING + 1), init=COUNTING)
        wanted, place = Signal(32), Signal(ADDRESS_WIDTH)
        length = Mux(wanted > BURST, BURST, wanted)
        m.d.comb += [
            reader.i.valid.eq(wanted != 0),
            reader.i.payload.address.eq(place),
            reader.i.payload.length.eq(length),
            lengths.i.payload.eq(total),
        ]
        with m.If(transfer(reader.i)):
            m.d.sync += [wanted.eq(wanted - length), place.eq(place + length * (self.width // 8))]
        with m.FSM():
            with m.State("count"):
                m.d.sync += wait.eq(Mux(known.o.valid, wait - 1, COUNTING))
                with m.If(known.o.valid & (wait == 0)):
                    m.next = "ask"
            with m.State("ask"):
                m.d.sync += wait.eq(COUNTING)
                m.d.comb += [
                    lengths.i.valid.eq(may_ask & (wanted == 0)),
                    known.o.ready.eq(transfer(lengths.i)),
                ]
                with m.If(transfer(lengths.i)):
                    m.d.sync += [wanted.eq(total), place.eq(c.external)]
                    m.next = "count"
        left, counted = Signal(32), Signal()
        m.d.comb += [
            self.o.payload.eq(reader.o.payload),
            self.o.valid.eq(reader.o.valid & counted),
            reader.o.ready.eq(self.o.ready & counted),
            self.last.eq(left == 1),
            lengths.o.ready.eq(~counted),
        ]
        with m.If(transfer(lengths.o)):
            m.d.sync += [left.eq(lengths.o.payload), counted.eq(1)]
        with m.If(transfer(self.o)):
            m.d.sync += [left.eq(left - 1), counted.eq(left != 1)]
        return m
