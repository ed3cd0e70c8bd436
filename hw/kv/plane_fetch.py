"""Reads bit planes of words of tokens."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.kv.spec import FIRST_PLANES, KEY_BITS
from hw.kv.config import Config
from hw.kv.layouts import PlaneLayout, WordRequestLayout
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature
from hw.lib.queue import StreamQueue
from hw.lib.run_reader import RunReader
from hw.lib.stream import transfer


class PlaneFetch(wiring.Component):
    """Reads `count` planes of each word of tokens that is asked for, one plane a cycle.

    A request begins with plane 0 or with one of those behind the first `FIRST_PLANES`. The most significant planes are
    one burst and the others another, so that a request takes a cycle or two, or its planes.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        spec = config.spec
        super().__init__(
            {
                "planes_address": In(ADDRESS_WIDTH),  #: of the most significant planes; holds still while busy
                "rest_address": In(ADDRESS_WIDTH),  #: of the others; holds still while busy
                "count": In(range(KEY_BITS + 1)),  #: planes; holds still from 2 cycles before the first request on
                "i": In(stream.Signature(WordRequestLayout(spec))),  #: words of tokens
                "o": Out(stream.Signature(PlaneLayout(spec))),  #: their planes, in order
                "memory": Out(ReadSignature(config.memory_width)),  #: reads the planes
                "busy": Out(1),  #: a word is asked for, or planes are under way
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec, ahead = self.config.spec, self.config.plane_ahead
        m.submodules.reader = reader = RunReader(width=self.config.memory_width, depth=ahead, burst=FIRST_PLANES)
        m.submodules.asked = asked = StreamQueue(shape=WordRequestLayout(spec), depth=ahead)
        wiring.connect(m, wiring.flipped(self.memory), reader.memory)
        self._ask(m, reader.i, asked.i)

        plane = Signal(range(KEY_BITS + 1))
        out, request = self.o.payload, asked.o.payload
        last = plane == self.count - 1
        m.d.comb += [
            out.bits.eq(reader.o.payload),
            out.word.eq(request.word),
            out.end.eq(request.end),
            out.first.eq(plane == 0),
            out.last.eq(last),
            out.planes.eq(request.first + self.count),
            self.o.valid.eq(reader.o.valid & asked.o.valid),
            reader.o.ready.eq(asked.o.valid & self.o.ready),
            asked.o.ready.eq(reader.o.valid & self.o.ready & last),
        ]
        with m.If(transfer(self.o)):
            m.d.sync += plane.eq(Mux(last, 0, plane + 1))
        m.d.comb += self.busy.eq(self.i.valid | reader.i.valid | reader.busy | (asked.level != 0))
        return m

    def _ask(self, m: Module, run: stream.Interface, asked: stream.Interface) -> None:
        """A run of the most significant planes, if any is wanted, and one of the others; it waits in a register."""
        word_bits = (self.config.word_bytes - 1).bit_length()
        part_bits = (FIRST_PLANES - 1).bit_length()
        high, low = Signal(range(FIRST_PLANES + 1)), Signal(range(FIRST_PLANES + 1))  # of planes 0 to count - 1
        second = Signal()
        more = self.count > FIRST_PLANES
        m.d.sync += [
            high.eq(Mux(more, FIRST_PLANES, self.count)),
            low.eq(Mux(more, self.count - FIRST_PLANES, 0)),
        ]
        request = self.i.payload
        behind = request.first[part_bits:] != 0  # the request is of the others alone
        both = ~behind & (low != 0)
        rest = second | behind
        free = ~run.valid | run.ready
        # The planes of a part of a word of tokens lie side by side: their place is a field, not a sum.
        offset = Cat(Const(0, word_bits), Mux(behind, request.first[:part_bits], 0), request.word)
        with m.If(run.ready):
            m.d.sync += run.valid.eq(0)
        with m.If(self.i.valid & free & asked.ready):
            m.d.sync += [
                run.valid.eq(1),
                run.payload.address.eq(Mux(rest, self.rest_address, self.planes_address) + offset),
                run.payload.length.eq(Mux(behind, self.count, Mux(second, low, high))),
                second.eq(both & ~second),
            ]
        m.d.comb += [
            asked.payload.eq(request),
            asked.valid.eq(self.i.valid & free & (second | ~both)),
            self.i.ready.eq(free & asked.ready & (second | ~both)),
        ]
