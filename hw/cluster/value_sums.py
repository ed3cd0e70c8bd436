"""The weighted sums of values, and of the weights."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from golden.cluster.spec import MAX_HEAD, PROBABILITY_BITS, QUARTERS, Spec
from hw.cluster.layouts import LENGTH
from hw.lib.fixed import resize
from hw.lib.float_from_int import FloatFromInt
from hw.lib.pipe import Pipe
from hw.lib.shared import repeat

SUM_WIDTH = PROBABILITY_BITS + 8 + LENGTH  # no sum of 2**16 tokens leaves it


class ValuesLayout(data.StructLayout):
    """A flit of a token's values."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "probability": PROBABILITY_BITS,  #: the token's share
                "codes": spec.link_width,  #: a flit of its values, 8 bits each
                "row": range(MAX_HEAD // spec.flit_bytes),  #: which of its flits
                "first": 1,  #: its first flit, with which the share is added to l
                "begin": 1,  #: it is the first token: sums start from 0
            }
        )


class ValueSums(wiring.Component):
    """o[c] = Σ P·v[c] and l = Σ P over the tokens, exact; then as singles. Equals `golden.cluster.compute`.

    A product a code and cycle; the sums lie in a memory of lookup tables, which is read, added to and
    written in one cycle, so that rows of any length follow each other. A record's flit leaves
    `record_latency` cycles after it is asked for; throughput one a cycle for both.
    """

    record_latency = 2 + FloatFromInt.latency

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        self.rows = MAX_HEAD // spec.flit_bytes
        row = range(self.rows)
        read = data.StructLayout(
            {
                "row": row,  #: of sums
                "part": range(QUARTERS),  #: which quarter of the row becomes a flit of singles
                "header": 1,  #: (maximum, l, 0 …) is asked for instead
            }
        )
        super().__init__(
            {
                "valid": In(1),  #: `i` is a flit of values
                "i": In(ValuesLayout(spec)),  #: values and their token's share
                "read": In(read),  #: the flit to make; not before the sums are written
                "maximum": In(32),  #: of the scores, a single; for the header
                "o": Out(spec.link_width),  #: the flit asked for `record_latency` cycles ago
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        spec, i = self.spec, self.i
        count = spec.flit_bytes
        weight = p.source(Cat(i.probability, 0).as_signed(), "weight")
        products = [
            p.stage(
                lambda a, b: a * b,
                weight,
                p.source(i.codes[8 * k : 8 * k + 8].as_signed(), f"code_{k}"),
                name=f"product_{k}",
            )
            for k in range(count)
        ]
        m.submodules.table = sums = Memory(shape=count * SUM_WIDTH, depth=self.rows, init=[])
        write, read = sums.write_port(), sums.read_port(domain="comb")
        comes = Signal()
        row, begin = p.at(p.source(i.row, "row"), 1), p.at(p.source(i.begin, "begin"), 1)
        m.d.sync += comes.eq(self.valid)
        old = [read.data.word_select(k, SUM_WIDTH).as_signed() for k in range(count)]
        m.d.comb += [
            read.addr.eq(Mux(comes, row, self.read.row)),
            write.addr.eq(row),
            write.en.eq(comes),
            write.data.eq(
                Cat(
                    resize(Mux(begin, 0, before) + product.value, signed(SUM_WIDTH))
                    for before, product in zip(old, products, strict=True)
                )
            ),
        ]
        total = Signal(PROBABILITY_BITS + LENGTH)
        with m.If(self.valid & i.first):
            m.d.sync += total.eq(Mux(i.begin, 0, total) + i.probability)
        self._record(m, p, platform, read.data, total)
        return m

    def _record(self, m: Module, p: Pipe, platform: object, sums: Value, total: Value) -> None:
        """A part of a row of sums, or l, as singles."""
        lanes = self.spec.lanes
        row = p.stage(lambda v: v, p.source(sums, "sums"), name="row")
        part, header = p.source(self.read.part, "part"), p.source(self.read.header, "header")
        chosen = p.stage(lambda v, k: v.word_select(k, lanes * SUM_WIDTH), row, part, name="chosen")
        heads = p.at(header, 2)
        words = []
        numbers = repeat(m, platform, "sum_number", lanes, lambda: FloatFromInt(width=SUM_WIDTH))
        for k, number in enumerate(numbers):
            value = chosen.value[SUM_WIDTH * k : SUM_WIDTH * (k + 1)].as_signed()
            m.d.comb += [
                number.i.value.eq(Mux(heads, Cat(total, 0).as_signed(), value) if k == 1 else value),
                number.i.scale.eq(-PROBABILITY_BITS),
            ]
            words.append(number.o)
        late = p.at(header, self.record_latency)
        first = [self.maximum, words[1], *(0 for _ in words[2:])]
        m.d.comb += self.o.eq(Cat(Mux(late, a, b)[:32] for a, b in zip(first, words, strict=True)))
