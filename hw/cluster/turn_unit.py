"""Rotary embedding, scaling and quantisation of a vector."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.cluster.spec import CACHE_LIMIT, MAX_HEAD, Spec
from golden.float_format import SINGLE
from hw.cluster import serial_lanes
from hw.cluster.merge_lane import MergeLane
from hw.cluster.merge_lanes import TurnLayout
from hw.cluster.rescale import EXPONENT
from hw.cluster.serial_lanes import together
from hw.lib.float_to_code import FloatToCode
from hw.lib.memory import two_port_memory
from hw.lib.shared import repeat


class TurnUnit(wiring.Component):
    """z[c] = own[c]·x[c] + other[c]·x[c XOR 1], kept; then z as codes. Equals `golden.cluster.compute`.

    First all flits of a vector go in, one a cycle; `turn_latency` cycles after the last, the largest
    exponent is known and the codes may be asked for, one flit a cycle, in order. `MergeLanes` turns the vector.

    With an `interval` all of this is done to a flit once in so many cycles: `SerialLanes` turn, and the words become
    codes one after the other.
    """

    def __init__(self, *, spec: Spec, interval: int = 1) -> None:
        self.spec, self.interval = spec, interval
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
        word = {
            "word": In(range(spec.lanes)),  #: of the row that was asked for, 2 cycles ago
        }
        super().__init__(
            {
                "valid": In(1),  #: `i` is a flit of a vector
                "i": In(layout),  #: a vector's flits, gaps among them allowed
                "turn": Out(TurnLayout(spec)),  #: for the lanes, with `valid`
                "turned": In(width),  #: what the lanes made of it, `MergeLanes`' latency later
                "cache": In(1),  #: codes have 8 bits and exponent 0; else `activation_bits`, and are as large as fits
                "read": In(range(self.rows)),  #: row to make codes of; holds still for `interval` cycles
                **(word if interval > 1 else {}),
                "codes": Out(spec.lanes * spec.activation_bits),  #: of the row asked for `code_latency` cycles ago
                "clipped": Out(spec.lanes),  #: which of these codes were clipped
                "exponent": Out(signed(EXPONENT)),  #: of the codes of activations, value = code·2**exponent
            }
        )

    @staticmethod
    def turn_latency(spec: Spec, interval: int = 1) -> int:
        """Cycles from a vector's last flit until its codes may be asked for."""
        return (MergeLane.latency if interval == 1 else serial_lanes.latency(spec)) + 3

    @staticmethod
    def code_latency(spec: Spec, interval: int = 1) -> int:
        """Cycles from a row that is asked for to its codes."""
        return 2 + FloatToCode.latency + (0 if interval == 1 else spec.lanes - 1)

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec, i = self.spec, self.i
        lanes = spec.lanes
        m.d.comb += [self.turn.vector.eq(i.vector), self.turn.own.eq(i.own), self.turn.other.eq(i.other)]
        write, read = two_port_memory(m, platform, "vectors", width=spec.link_width, depth=self.rows)
        turning = self.turn_latency(spec, self.interval) - 3  # cycles that the lanes take
        comes = Signal(turning)
        m.d.sync += comes.eq(Cat(self.valid, comes))
        tags: list[Value] = [Cat(i.row, i.first)]
        for k in range(turning):
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
        parallel = self.interval == 1
        count = lanes if parallel else 1
        coders = repeat(m, platform, "turn_code", count, lambda: FloatToCode(bits=spec.activation_bits))
        made = [Value.cast(coder.o) for coder in coders]
        if not parallel:
            words = together(m, made[0], lanes, 1)
            made = [words.word_select(k, len(made[0])) for k in range(lanes)]
        for k, code in enumerate(made):
            if k < count:
                m.d.comb += [
                    coders[k].i.x.eq(flit[32 * k : 32 * k + 32] if parallel else flit.word_select(self.word, 32)),
                    coders[k].i.shift.eq(shift),
                    coders[k].i.limit.eq(limit),
                ]
            m.d.comb += [
                self.codes.word_select(k, spec.activation_bits).eq(code[:-1]),
                self.clipped[k].eq(code[-1]),
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
