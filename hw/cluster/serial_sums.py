"""The weighted sums of values, a few at a time."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.cluster.spec import MAX_HEAD, PROBABILITY_BITS, QUARTERS, Spec
from hw.cluster.layouts import LENGTH
from hw.cluster.serial_lanes import together
from hw.cluster.value_sums import SUM_WIDTH, ValuesLayout
from hw.lib.fixed import resize
from hw.lib.float_from_int import FloatFromInt
from hw.lib.memory import two_port_memory
from hw.lib.pipe import Pipe, Staged


class SerialSums(wiring.Component):
    """`ValueSums`, two codes a cycle: a flit of values, or of a record, once in `interval` cycles; the same results.

    The sums lie in block RAM: read in one cycle, added to and written in the next. None comes twice within an
    interval. A flit of values is done `interval` + 1 cycles after it came, a record's flit leaves
    `record_latency` cycles after it is asked for.
    """

    def __init__(self, *, spec: Spec, interval: int) -> None:
        self.spec, self.interval = spec, interval
        self.rows = MAX_HEAD // spec.flit_bytes
        self.codes = spec.flit_bytes // interval  # that are multiplied in a cycle
        row = range(self.rows)
        read = data.StructLayout(
            {
                "row": row,  #: of sums
                "part": range(QUARTERS),  #: which quarter of the row becomes a flit of singles
                "header": 1,  #: (maximum, l, 0 …) is asked for instead
                "word": range(spec.lanes),  #: of the flit, one after the other in successive cycles
            }
        )
        super().__init__(
            {
                "valid": In(1),  #: `i` comes
                "i": In(ValuesLayout(spec)),  #: values and their token's share; hold still for `interval` cycles
                "read": In(read),  #: the flit to make; not before the sums are written
                "maximum": In(32),  #: of the scores, a single; for the header
                "o": Out(spec.link_width),  #: the flit whose first word was asked for `record_latency` cycles ago
            }
        )

    @staticmethod
    def record_latency(spec: Spec) -> int:
        """Cycles from a record's flit's first word, asked for, to the flit."""
        return 2 + FloatFromInt.latency + spec.lanes - 1

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        i, count = self.i, self.codes
        slot = Signal(range(self.interval))
        comes = self.valid | (slot != 0)
        with m.If(comes):
            m.d.sync += slot.eq(slot + 1)
        write, read = two_port_memory(
            m, platform, "table", width=count * SUM_WIDTH, depth=self.rows * self.interval
        )  # fmt: skip
        codes = i.codes.word_select(slot, 8 * count)
        products = [
            p.stage(
                lambda a, b: a * b,
                p.source(Cat(i.probability, 0).as_signed(), "weight"),
                p.source(codes[8 * k : 8 * k + 8].as_signed(), f"code_{k}"),
                name=f"product_{k}",
            )
            for k in range(count)
        ]
        begin = p.at(p.source(i.begin, "begin"), 1)
        place = Signal(range(self.rows * self.interval))
        came = Signal()
        m.d.comb += place.eq(Mux(comes, Cat(slot, i.row), self._asked()))
        m.d.sync += came.eq(comes)
        sums = [read.data.word_select(k, SUM_WIDTH).as_signed() for k in range(count)]
        m.d.comb += [
            read.addr.eq(place),
            write.addr.eq(p.at(p.source(place, "place"), 1)),
            write.en.eq(came),
            write.data.eq(
                Cat(
                    resize(Mux(begin, 0, before) + product.value, signed(SUM_WIDTH))
                    for before, product in zip(sums, products, strict=True)
                )
            ),
        ]
        total = Signal(PROBABILITY_BITS + LENGTH)
        with m.If(self.valid & i.first):
            m.d.sync += total.eq(Mux(i.begin, 0, total) + i.probability)
        self._record(m, p, Staged(read.data, 1, "sums"), total)
        return m

    def _asked(self) -> Value:
        """The place of the word that is asked for: a quarter of a row is as many words as a flit has."""
        part = Cat(self.read.word[(self.codes - 1).bit_length() :], self.read.part)
        return Cat(part, self.read.row)

    def _record(self, m: Module, p: Pipe, sums: Staged, total: Value) -> None:
        """A part of a row of sums, or l, as singles."""
        lanes, read = self.spec.lanes, self.read
        m.submodules.number = number = FloatFromInt(width=SUM_WIDTH)
        header = p.source(read.header, "header")
        low = p.source(read.word[: (self.codes - 1).bit_length()], "low")
        chosen = p.stage(
            lambda v, k, h: Mux(h, Cat(total, 0).as_signed(), v.word_select(k, SUM_WIDTH).as_signed()),
            sums,
            low,
            header,
            name="chosen",
        )
        m.d.comb += [number.i.value.eq(chosen.value), number.i.scale.eq(-PROBABILITY_BITS)]
        words = together(m, number.o, lanes, 1)
        last = p.at(header, chosen.stage + FloatFromInt.latency)
        numbers = [words.word_select(k, 32) for k in range(lanes)]
        first = [self.maximum, numbers[1], *(0 for _ in numbers[2:])]
        m.d.comb += self.o.eq(Cat(Mux(last, a, b)[:32] for a, b in zip(first, numbers, strict=True)))
