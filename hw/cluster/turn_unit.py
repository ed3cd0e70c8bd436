"""Rotary embedding, scaling and quantisation of a vector."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.cluster.spec import CACHE_LIMIT, MAX_HEAD, Spec
from golden.float_format import SINGLE
from hw.cluster.merge_lane import MergeLane
from hw.cluster.merge_lanes import TurnLayout
from hw.cluster.rescale import EXPONENT
from hw.lib.float_to_code import FloatToCode
from hw.lib.memory import two_port_memory
from hw.lib.shared import repeat


class TurnUnit(wiring.Component):
    """z[c] = own[c]·x[c] + other[c]·x[c XOR 1], kept; then z as codes. Equals `golden.cluster.compute`.

    First all flits of a vector go in, one a cycle; `TURN_LATENCY` cycles after the last, the largest
    exponent is known and the codes may be asked for, one flit a cycle, in order. `MergeLanes` turns the vector.
    """

    TURN_LATENCY = MergeLane.latency + 3
    CODE_LATENCY = 2 + FloatToCode.latency

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        width = spec.link_width
        self.rows = MAX_HEAD // spec.lanes
        layout = data.StructLayout(
            {
                "vector": width,  #: a flit of x, singles
                "own": width,  #: their own factors, singles
                "other": width,  #: the factors of their neighbours in the pairs, singles
                "row": range(self.rows),  #: where the result is kept
                "first": 1,  #: the flit begins a vector
            }
        )
        super().__init__(
            {
                "valid": In(1),  #: `i` is a flit of a vector
                "i": In(layout),  #: a vector's flits, gaps among them allowed
                "turn": Out(TurnLayout(spec)),  #: for the lanes, with `valid`
                "turned": In(width),  #: what the lanes made of it, `MergeLane.latency` later
                "cache": In(1),  #: codes have 8 bits and exponent 0; else `activation_bits`, and are as large as fits
                "read": In(range(self.rows)),  #: row to make codes of
                "codes": Out(spec.lanes * spec.activation_bits),  #: of the row asked for `CODE_LATENCY` cycles ago
                "clipped": Out(spec.lanes),  #: which of these codes were clipped
                "exponent": Out(signed(EXPONENT)),  #: of the codes of activations, value = code·2**exponent
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec, i = self.spec, self.i
        lanes = spec.lanes
        m.d.comb += [self.turn.vector.eq(i.vector), self.turn.own.eq(i.own), self.turn.other.eq(i.other)]
        write, read = two_port_memory(m, platform, "vectors", width=spec.link_width, depth=self.rows)
        comes = Signal(MergeLane.latency)
        m.d.sync += comes.eq(Cat(self.valid, comes))
        tags: list[Value] = [Cat(i.row, i.first)]
        for k in range(MergeLane.latency):
            tags.append(Signal(len(tags[0]), name=f"tag_{k}", reset_less=True))
            m.d.sync += tags[-1].eq(tags[-2])
        m.d.comb += [
            write.addr.eq(tags[-1][:-1]),
            write.data.eq(self.turned),
            write.en.eq(comes[-1]),
            read.addr.eq(self.read),
            read.en.eq(~comes[-1]),
        ]
        self._largest(m, comes[-1], tags[-1][-1])
        shift, limit = Signal(signed(EXPONENT)), Signal(spec.activation_bits - 1)
        m.d.sync += [
            shift.eq(Mux(self.cache, 0, -self.exponent)),
            limit.eq(Mux(self.cache, CACHE_LIMIT, (1 << (spec.activation_bits - 1)) - 1)),
        ]
        flit = Signal(spec.link_width, reset_less=True)
        m.d.sync += flit.eq(read.data)
        coders = repeat(m, platform, "turn_code", lanes, lambda: FloatToCode(bits=spec.activation_bits))
        for k, coder in enumerate(coders):
            m.d.comb += [
                coder.i.x.eq(flit[32 * k : 32 * k + 32]),
                coder.i.shift.eq(shift),
                coder.i.limit.eq(limit),
                self.codes.word_select(k, spec.activation_bits).eq(coder.o.code),
                self.clipped[k].eq(coder.o.clipped),
            ]
        return m

    def _largest(self, m: Module, comes: Value, first: Value) -> None:
        """The largest exponent field so far, and from it the codes' exponent."""
        spec = self.spec
        words = [self.turned.word_select(k, SINGLE.width) for k in range(spec.lanes)]
        fields = [word[SINGLE.mantissa : SINGLE.width - 1] for word in words]
        best: Value = fields[0]
        for field in fields[1:]:
            best = Mux(field > best, field, best)
        highest, largest = Signal(SINGLE.exponent), Signal(SINGLE.exponent)
        came, begins = Signal(), Signal()
        m.d.sync += [highest.eq(best), came.eq(comes), begins.eq(first)]
        with m.If(came):
            m.d.sync += largest.eq(Mux(begins | (highest > largest), highest, largest))
        m.d.sync += self.exponent.eq(largest - (SINGLE.bias + spec.activation_bits - 2))
