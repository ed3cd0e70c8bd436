"""A node's one multiplier, adder and exponential of singles, which take the words of a flit in turn."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.cluster.spec import Spec
from golden.float_format import SINGLE
from hw.cluster.merge_lanes import MergeLayout, TurnLayout
from hw.lib.float_add import FloatAdd
from hw.lib.float_exp import FloatExp
from hw.lib.float_multiply import FloatMultiply


class OperandsLayout(data.StructLayout):
    """Two singles for a unit that others use too."""

    def __init__(self) -> None:
        super().__init__(
            {
                "enable": 1,  #: they are there in this cycle
                "a": 32,  #: a single
                "b": 32,  #: a single
            }
        )


def latency(spec: Spec) -> int:
    """Cycles from a flit to be merged or turned to its result."""
    return FloatMultiply.latency + 1 + FloatAdd.latency + 2 * (spec.lanes - 1)


class SerialLanes(wiring.Component):
    """What `MergeLanes` does, once in 2 · lanes cycles, and the exponential of a distance of singles.

    A word takes two cycles: one product in each, whose sum follows. Flits to be merged or turned come at least
    2 · lanes cycles apart, and hold still for as many. What is asked for at once collides: of singles to be added
    those of a flit go first, then `distance`, then `add`; of products `multiply` goes first.
    """

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        of_decode_unit = {
            "turns": In(1),  #: `turn` begins in this cycle
            "turn": In(TurnLayout(spec)),  #: for own[c]·vector[c] + other[c]·vector[c XOR 1]
            "distance": In(OperandsLayout()),  #: for a + b, and the exponential of its magnitude
            "multiply": In(OperandsLayout()),  #: for a · b
            "product": Out(32),  #: a · b, `FloatMultiply.latency` cycles later
        }
        super().__init__(
            {
                "merges": In(1),  #: `merge` begins in this cycle
                "merge": In(MergeLayout(spec)),  #: for a·own + b·received
                "add": In(data.StructLayout({"a": 32, "b": 32})),  #: for a + b, in every cycle in which nothing else is
                "sum": Out(32),  #: a + b, `FloatAdd.latency` cycles later
                "zero": In(1),  #: the exponential that begins in this cycle is of 0
                "exponential": Out(32),  #: exp(-|a + b|), `FloatExp.latency` cycles after the sum
                **(of_decode_unit if spec.compute else {}),
                "o": Out(spec.link_width),  #: the flit that began `latency` cycles ago, for one cycle
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.multiplier = multiplier = FloatMultiply(fmt=SINGLE)
        m.submodules.adder = adder = FloatAdd(fmt=SINGLE)
        m.submodules.exp = exp = FloatExp()
        count = self.spec.lanes
        slot = Signal(range(2 * count))
        begins = self.merges | self.turns if self.spec.compute else self.merges
        with m.If(begins | (slot != 0)):
            m.d.sync += slot.eq(slot + 1)
        second = Signal(FloatMultiply.latency)  # the product is the second of its word
        m.d.sync += second.eq(Cat(slot[0], second))
        word, factor = self._operands(m, slot, begins)
        m.d.comb += Value.cast(multiplier.i).eq(Cat(factor, word))
        m.d.comb += Value.cast(adder.i).eq(Value.cast(self.add))
        if self.spec.compute:
            with m.If(self.multiply.enable):
                m.d.comb += Value.cast(multiplier.i).eq(Cat(self.multiply.a, self.multiply.b))
            with m.If(self.distance.enable):
                m.d.comb += Value.cast(adder.i).eq(Cat(self.distance.a, self.distance.b))
            m.d.comb += self.product.eq(multiplier.o)
        first = Signal(32, reset_less=True)
        m.d.sync += first.eq(multiplier.o)
        with m.If(second[-1]):
            m.d.comb += Value.cast(adder.i).eq(Cat(first, multiplier.o))
        m.d.comb += [
            self.sum.eq(adder.o),
            exp.i.eq(Mux(self.zero, 0, Cat(adder.o[:-1], Const(0, 1)))),
            self.exponential.eq(exp.o),
            self.o.eq(together(m, adder.o, count, 2)),
        ]
        return m

    def _operands(self, m: Module, slot: Value, begins: Value) -> tuple[Value, Value]:
        """A word of the flit at hand and its factor."""
        merge, odd, number = self.merge, slot[0], slot[1:]
        word = Mux(odd, merge.received.word_select(number, 32), merge.own.word_select(number, 32))
        factor = Mux(odd, merge.b, merge.a)
        if not self.spec.compute:
            return word, factor
        turn, turning = self.turn, Signal()
        with m.If(begins):
            m.d.sync += turning.eq(self.turns)
        turns = Mux(begins, self.turns, turning)
        pair = Cat(number[0] ^ odd, number[1:])
        turn_factor = Mux(odd, turn.other.word_select(number, 32), turn.own.word_select(number, 32))
        return Mux(turns, turn.vector.word_select(pair, 32), word), Mux(turns, turn_factor, factor)


def together(m: Module, word: Value, count: int, step: int) -> Value:
    """`count` words that come `step` cycles apart side by side, the first one lowest, in the cycle of the last."""
    late = [word]
    for k in range(step * (count - 1)):
        late.append(Signal(len(word), name=f"late_{k}", reset_less=True))
        m.d.sync += late[-1].eq(late[-2])
    return Cat(reversed(late[::step]))
