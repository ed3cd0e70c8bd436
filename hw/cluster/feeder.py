"""Feeds the nodes' decode units: one beat a cycle, the same for all."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.cluster.spec import QUARTERS, Op, Turned, Weighed
from hw.cluster.compute import Compute
from hw.cluster.config import Config
from hw.cluster.layouts import LENGTH, Beat, BeatLayout, SettingsLayout, command_layout
from hw.cluster.phase import enters_next, only_at, phase_port
from hw.cluster.stream_beats import StreamBeats
from hw.cluster.stream_reader import StreamReader
from hw.lib.memory_port import ReadSignature
from hw.lib.stream import connect, transfer


class Feeder(wiring.Component):
    """Expands the commands of the decode units, and of LOADs that fill them, to beats.

    A word of the stream is a beat in the cycle in which it leaves the reader; lane b of it is node b's
    flit. Then come the command's phases without a stream, one beat a cycle, each after the units have
    settled. Where the units take a beat once in an interval, it comes in phase 0, and holds still but for its kind.
    """

    def __init__(self, *, config: Config) -> None:
        self.config, self.spec = config, config.spec
        self.width = self.spec.nodes * self.spec.link_width
        super().__init__(
            {
                **phase_port(config.interval),
                "i": In(stream.Signature(command_layout())),  #: commands, each taken at its end
                "ahead": In(stream.Signature(command_layout())),  #: those of `i` that read a stream, as soon as known
                "beat": Out(BeatLayout(self.spec)),  #: for all nodes, from registers; IDLE if nothing is to be done
                "word": Out(self.width),  #: the stream's word of this beat, lane b for node b
                "settings": Out(SettingsLayout(self.spec)),  #: of the command at hand
                "moved": Out(1),  #: the beat is not IDLE
                "busy": Out(1),  #: a command is under way
                "memory": Out(ReadSignature(self.width)),  #: for the streams
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        c, settings, beat = self.i.payload, self.settings, self.beat
        m.submodules.reader = reader = StreamReader(config=self.config)
        m.submodules.beats = beats = StreamBeats(spec=self.spec)
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)
        connect(m, self.ahead, reader.i)
        begins = Signal()
        m.d.comb += [
            beats.command.eq(c),
            beats.begin.eq(begins),
            reader.begins.eq(begins & (c.op != Op.TURN)),
            beats.step.eq(transfer(reader.o)),
            self.moved.eq(beat.kind != Beat.IDLE),
        ]
        m.d.sync += [
            settings.turned.eq(c.kind),
            settings.root.eq(c.root),
            settings.scale.eq(c.scale),
            settings.stride.eq(Mux(c.op == Op.GEMV, c.rank_stride, 0)),
        ]
        enters = enters_next(m, self, self.config.interval)
        with only_at(m, enters):
            m.d.sync += [beat.eq(beats.o), self.word.eq(reader.o.payload)]
        m.d.sync += beat.kind.eq(Mux(transfer(reader.o), beats.o.kind, Beat.IDLE))
        number = Signal(LENGTH)  # of the phase's beats
        settle = Compute.settle(self.spec, self.config.interval)
        wait = Signal(range(max(settle.values()) + 1))
        score_flits = (c.flits + self.spec.lanes - 1) >> (self.spec.lanes - 1).bit_length()
        second = Signal()  # the second phase has begun

        def ends(condition: Value, cycles: Value | int) -> None:
            """The phase's last beat, and how long it takes."""
            with m.If(condition):
                m.d.sync += [wait.eq(cycles), number.eq(0)]
                m.next = "settle"

        with m.FSM():
            with m.State("idle"):
                with m.If(self.i.valid):
                    m.d.comb += begins.eq(1)
                    m.d.sync += [self.busy.eq(1), second.eq(0)]
                    with m.If((c.op == Op.WEIGH) & (c.kind == Weighed.FOUND)):
                        m.next = "maximum"
                    with m.Elif(c.op != Op.TURN):
                        m.next = "stream"
                    with m.Elif(c.kind == Turned.NORMALISE):
                        m.next = "divisor"
                    with m.Else():
                        m.next = "vector"
            with m.State("stream"):
                m.d.comb += reader.o.ready.eq(1 if enters is None else enters)
                streams = Mux(c.op == Op.WEIGH, settle["weigh"], settle["project"])
                ends(transfer(reader.o) & reader.last, Mux(c.op == Op.LOAD, settle["load"], streams))
            with m.State("maximum"), only_at(m, enters):
                m.d.sync += [
                    number.eq(number + 1),
                    wait.eq(settle["maximum"]),
                    beat.kind.eq(Beat.MAXIMUM),
                    beat.begin.eq(number == 0),
                    beat.address.eq(c.source + number),
                ]
                with m.If(number == score_flits - 1):
                    m.d.sync += number.eq(0)
                    m.next = "found"
            with m.State("found"):
                m.d.sync += wait.eq(wait - 1)
                with m.If(wait == 0):
                    m.next = "stream"
            with m.State("divisor"), only_at(m, enters):
                m.d.sync += [beat.kind.eq(Beat.DIVISOR), beat.address.eq(c.source - 1)]
                m.next = "vector"
            with m.State("vector"), only_at(m, enters):
                m.d.sync += number.eq(number + 1)
                self._vector_beat(m, number)
                ends(number == c.flits - 1, settle["vector"])
            with m.State("codes"), only_at(m, enters):
                m.d.sync += number.eq(number + 1)
                self._code_beat(m, number)
                ends(number == c.flits - 1, settle["codes"])
            with m.State("record"), only_at(m, enters):
                m.d.sync += number.eq(number + 1)
                self._record_beat(m, number)
                ends(number == c.record * QUARTERS, settle["record"])
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

    def _vector_beat(self, m: Module, number: Value) -> None:
        """Flits of a vector that lies in pieces of `record` flits, `rank_stride` apart."""
        c, beat = self.i.payload, self.beat
        column, piece = Signal(LENGTH), Signal.like(beat.address)
        m.d.sync += [
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

    def _code_beat(self, m: Module, number: Value) -> None:
        """Four flits of the turned vector become a unit of activations, or a flit of the cache."""
        c, beat = self.i.payload, self.beat
        unit = number >> (QUARTERS - 1).bit_length()
        m.d.sync += [
            beat.kind.eq(Beat.CODES),
            beat.last.eq(number % QUARTERS == QUARTERS - 1),
            beat.index.eq(number),
            beat.place.eq(unit),
            beat.address.eq(c.target + unit),
        ]

    def _record_beat(self, m: Module, number: Value) -> None:
        """The header, then four flits of singles from each row of sums."""
        c, beat = self.i.payload, self.beat
        m.d.sync += [
            beat.kind.eq(Beat.RECORD),
            beat.first.eq(number == 0),
            beat.index.eq((number - 1) >> (QUARTERS - 1).bit_length()),
            beat.place.eq((number - 1) % QUARTERS),
            beat.address.eq(c.target + number),
        ]
