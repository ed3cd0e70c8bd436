"""Reads bit planes of words of tokens."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.kv.spec import FIRST_PLANES, KEY_BITS
from hw.kv.config import Config
from hw.kv.layouts import PlaneLayout
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature
from hw.lib.queue import StreamQueue
from hw.lib.run_reader import RunReader


class PlaneFetch(wiring.Component):
    """Reads planes `first` to `first + count - 1` of each word of tokens that is asked for, one plane a cycle.

    The most significant planes are one burst and the others another, so that a request takes a cycle or two,
    or its planes. `o` is always taken.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        spec = config.spec
        super().__init__(
            {
                "planes_address": In(ADDRESS_WIDTH),  #: of the most significant planes; holds still while busy
                "rest_address": In(ADDRESS_WIDTH),  #: of the others; holds still while busy
                "first": In(range(KEY_BITS)),  #: plane, 0 the most significant; holds still while busy
                "count": In(range(KEY_BITS + 1)),  #: planes; holds still while busy
                "i": In(stream.Signature(range(spec.plane_words))),  #: words of tokens
                "o": Out(stream.Signature(PlaneLayout(spec))),  #: their planes, in order
                "memory": Out(ReadSignature(config.memory_width)),  #: reads the planes
                "busy": Out(1),  #: a word is asked for, or planes are under way
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec, ahead = self.config.spec, self.config.plane_ahead
        m.submodules.reader = reader = RunReader(width=self.config.memory_width, depth=ahead, burst=FIRST_PLANES)
        m.submodules.asked = asked = StreamQueue(shape=range(spec.plane_words), depth=ahead)
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)
        self._ask(m, reader.i, asked.i)

        plane = Signal(range(KEY_BITS + 1))
        out = self.o.payload
        last = plane == self.count - 1
        m.d.comb += [
            out.bits.eq(reader.o.payload),
            out.word.eq(asked.o.payload),
            out.first.eq(plane == 0),
            out.last.eq(last),
            self.o.valid.eq(reader.o.valid & asked.o.valid),
            reader.o.ready.eq(asked.o.valid),
            asked.o.ready.eq(reader.o.valid & last),
        ]
        with m.If(self.o.valid):
            m.d.sync += plane.eq(Mux(last, 0, plane + 1))
        m.d.comb += self.busy.eq(self.i.valid | reader.i.valid | reader.busy | (asked.level != 0))
        return m

    def _ask(self, m: Module, run: stream.Interface, asked: stream.Interface) -> None:
        """A run of the most significant planes, if any is wanted, and one of the others; it waits in a register."""
        word_bytes = self.config.word_bytes
        low, high = Signal(range(FIRST_PLANES + 1)), Signal(range(FIRST_PLANES + 1))  # planes of the two parts
        skipped, behind = Signal(range(KEY_BITS)), Signal(range(KEY_BITS))  # planes of a part before the first
        ends = Signal(range(2 * KEY_BITS))
        both, second = Signal(), Signal()
        m.d.comb += ends.eq(self.first + self.count)
        m.d.sync += [
            skipped.eq(Mux(self.first < FIRST_PLANES, self.first, 0)),
            behind.eq(Mux(self.first < FIRST_PLANES, 0, self.first - FIRST_PLANES)),
            high.eq(Mux(self.first < FIRST_PLANES, Mux(ends > FIRST_PLANES, FIRST_PLANES, ends) - self.first, 0)),
            low.eq(Mux(ends > FIRST_PLANES, Mux(self.first < FIRST_PLANES, ends - FIRST_PLANES, self.count), 0)),
            both.eq((self.first < FIRST_PLANES) & (ends > FIRST_PLANES)),
        ]
        free = ~run.valid | run.ready
        rest = second | (high == 0)
        offset = (self.i.payload * FIRST_PLANES + Mux(rest, behind, skipped)) * word_bytes
        goes = self.i.valid & free & asked.ready
        with m.If(run.ready):
            m.d.sync += run.valid.eq(0)
        with m.If(goes):
            m.d.sync += [
                run.valid.eq(1),
                run.payload.address.eq(Mux(rest, self.rest_address, self.planes_address) + offset),
                run.payload.length.eq(Mux(rest, low, high)),
                second.eq(both & ~second),
            ]
        m.d.comb += [
            asked.payload.eq(self.i.payload),
            asked.valid.eq(self.i.valid & free & (second | ~both)),
            self.i.ready.eq(free & asked.ready & (second | ~both)),
        ]
