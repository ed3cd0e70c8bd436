"""Feeds the nodes' decode units: one beat a cycle, the same for all."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.cluster.spec import Op, Turned
from hw.cluster.compute import QUARTERS, Compute
from hw.cluster.config import Config
from hw.cluster.layouts import LENGTH, Beat, BeatLayout, SettingsLayout, command_layout
from hw.cluster.stream_beats import StreamBeats, group_flits
from hw.lib.burst_reader import BurstReader
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature
from hw.lib.stream import transfer

BURST = 16  # words a request
COUNTING = 3  # cycles until a stream's number of words is known


class Feeder(wiring.Component):
    """Expands the commands of the decode units, and of LOADs that fill them, to beats.

    A word of the stream is a beat in the cycle in which it leaves the reader; lane b of it is node b's
    flit. Then come the command's phases without a stream, one beat a cycle, each after the units have
    settled. Words of a stream, with W = `record` words a row (of weights, or a token):

        GEMV: flits · (1 + groups + L·W)    SCORE, WEIGH: flits · W    LOAD: flits

    Members:
        i: stream of commands, taken at their ends.
        beat, word, settings: for all nodes, from registers. moved: a beat is under way.
        busy: a command is under way. memory: read port.
    """

    def __init__(self, *, config: Config) -> None:
        self.config, self.spec = config, config.spec
        self.width = self.spec.nodes * self.spec.link_width
        super().__init__(
            {
                "i": In(stream.Signature(command_layout())),
                "beat": Out(BeatLayout(self.spec)),
                "word": Out(self.width),
                "settings": Out(SettingsLayout(self.spec)),
                "moved": Out(1),
                "busy": Out(1),
                "memory": Out(ReadSignature(self.width)),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        c, settings, beat = self.i.payload, self.settings, self.beat
        m.submodules.reader = reader = BurstReader(width=self.width, depth=self.config.read_words)
        m.submodules.beats = beats = StreamBeats(spec=self.spec)
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)
        begins = Signal()
        left = self._ask(m, reader, begins)
        m.d.comb += [
            beats.command.eq(c),
            beats.begin.eq(begins),
            beats.step.eq(transfer(reader.o)),
            self.moved.eq(beat.kind != Beat.IDLE),
        ]
        m.d.sync += [
            settings.turned.eq(c.kind),
            settings.root.eq(c.root),
            settings.scale.eq(c.scale),
            settings.stride.eq(Mux(c.op == Op.GEMV, c.rank_stride, 0)),
            beat.eq(beats.o),
            beat.kind.eq(Mux(transfer(reader.o), beats.o.kind, Beat.IDLE)),
            self.word.eq(reader.o.payload),
        ]
        number = Signal(LENGTH)  # of the phase's beats
        wait = Signal(range(Compute.settle(self.spec) + 1))
        second = Signal()  # the second phase has begun

        def ends(condition: Value) -> None:
            """The phase's last beat."""
            with m.If(condition):
                m.d.sync += [wait.eq(Compute.settle(self.spec)), number.eq(0)]
                m.next = "settle"

        with m.FSM():
            with m.State("idle"):
                m.d.sync += [second.eq(0), wait.eq(COUNTING)]
                with m.If(self.i.valid):
                    m.d.sync += self.busy.eq(1)
                    m.next = "prepare"
            with m.State("prepare"):
                m.d.sync += wait.eq(wait - 1)
                with m.If(wait == 0):
                    m.d.comb += begins.eq(1)
                    with m.If(c.op != Op.TURN):
                        m.next = "stream"
                    with m.Elif(c.kind == Turned.NORMALISE):
                        m.next = "divisor"
                    with m.Else():
                        m.next = "vector"
            with m.State("stream"):
                m.d.comb += reader.o.ready.eq(1)
                ends(transfer(reader.o) & (left == 1))
            with m.State("divisor"):
                m.d.sync += [beat.kind.eq(Beat.DIVISOR), beat.address.eq(c.source - 1)]
                m.next = "vector"
            with m.State("vector"):
                self._vector_beat(m, number)
                ends(number == c.flits - 1)
            with m.State("codes"):
                self._code_beat(m, number)
                ends(number == c.flits - 1)
            with m.State("record"):
                self._record_beat(m, number)
                ends(number == c.record * QUARTERS)
            with m.State("settle"):
                m.d.sync += wait.eq(wait - 1)
                with m.If(wait == 0):
                    m.d.sync += second.eq(1)
                    with m.If((c.op == Op.TURN) & ~second):
                        m.next = "codes"
                    with m.Elif((c.op == Op.WEIGH) & ~second):
                        m.next = "record"
                    with m.Else():
                        m.d.comb += self.i.ready.eq(1)
                        m.d.sync += self.busy.eq(0)
                        m.next = "idle"
        return m

    def _ask(self, m: Module, reader: BurstReader, begins: Signal) -> Signal:
        """Asks for the words of a stream from `begins` on. Returns those that have not left the reader."""
        spec, c = self.spec, self.i.payload
        rows, row, total = Signal(LENGTH), Signal(LENGTH + 4), Signal(32)
        block = 1 + group_flits(spec, c.record) + (c.record << (spec.lanes - 1).bit_length())
        m.d.sync += [
            rows.eq(c.flits),
            row.eq(Mux(c.op == Op.GEMV, block, Mux(c.op == Op.LOAD, 1, c.record))),
            total.eq(rows * row),
        ]
        wanted, left, place = Signal(32), Signal(32), Signal(ADDRESS_WIDTH)
        length = Mux(wanted > BURST, BURST, wanted)
        m.d.comb += [
            reader.i.valid.eq(wanted != 0),
            reader.i.payload.address.eq(place),
            reader.i.payload.length.eq(length),
        ]
        with m.If(transfer(reader.i)):
            m.d.sync += [wanted.eq(wanted - length), place.eq(place + length * (self.width // 8))]
        with m.If(transfer(reader.o)):
            m.d.sync += left.eq(left - 1)
        with m.If(begins & (c.op != Op.TURN)):
            m.d.sync += [wanted.eq(total), left.eq(total), place.eq(c.external)]
        return left

    def _vector_beat(self, m: Module, number: Signal) -> None:
        """Flits of a vector that lies in pieces of `record` flits, `rank_stride` apart."""
        c, beat = self.i.payload, self.beat
        column, piece = Signal(LENGTH), Signal.like(beat.address)
        m.d.sync += [
            number.eq(number + 1),
            beat.kind.eq(Beat.VECTOR),
            beat.first.eq(number == 0),
            beat.index.eq(c.scale + number),
            beat.place.eq(number),
            beat.address.eq(c.source + piece + column),
            column.eq(column + 1),
        ]
        with m.If(column == c.record - 1):
            m.d.sync += [column.eq(0), piece.eq(piece + c.rank_stride)]
        with m.If(number == c.flits - 1):
            m.d.sync += [column.eq(0), piece.eq(0)]

    def _code_beat(self, m: Module, number: Signal) -> None:
        """Four flits of the turned vector become a unit of activations, or a flit of the cache."""
        c, beat = self.i.payload, self.beat
        unit = number >> (QUARTERS - 1).bit_length()
        m.d.sync += [
            number.eq(number + 1),
            beat.kind.eq(Beat.CODES),
            beat.last.eq(number % QUARTERS == QUARTERS - 1),
            beat.index.eq(number),
            beat.place.eq(unit),
            beat.address.eq(c.target + unit),
        ]

    def _record_beat(self, m: Module, number: Signal) -> None:
        """The header, then four flits of singles from each row of sums."""
        c, beat = self.i.payload, self.beat
        m.d.sync += [
            number.eq(number + 1),
            beat.kind.eq(Beat.RECORD),
            beat.first.eq(number == 0),
            beat.index.eq((number - 1) >> (QUARTERS - 1).bit_length()),
            beat.place.eq((number - 1) % QUARTERS),
            beat.address.eq(c.target + number),
        ]
