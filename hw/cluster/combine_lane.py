"""One 32-bit word of the vector ALU: sum, maximum and minimum of every format."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.cluster.spec import ElementType, Kind
from golden.float_format import HALF, SINGLE
from hw.lib.float_add import FloatAdd
from hw.lib.float_parts import extreme
from hw.lib.pipe import Pipe


class CombineLane(wiring.Component):
    """o = own ⊕ received by `format` and `kind`, or received if not `reduce`; equals `golden.cluster.combine`.

    A word is two halves, a single or an integer. MIXED is single by now; MERGE is not done here, and singles are
    added in the lane of `MergeLanes`. Latency 7 cycles, throughput one a cycle.
    """

    latency = 1 + FloatAdd.latency

    def __init__(self) -> None:
        layout = data.StructLayout(
            {
                "own": 32,  #: the node's word
                "received": 32,  #: its peer's
                "format": 2,  #: of the elements in both words
                "kind": 2,  #: SUM, MAX or MIN
                "reduce": 1,  #: 0: the received word passes as it is
            }
        )
        super().__init__(
            {
                "i": In(layout),  #: a pair of words every cycle
                "single": In(32),  #: own + received as singles, 6 cycles after they came
                "o": Out(32),  #: the result, 7 cycles later
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        i = self.i
        m.submodules.low = low = FloatAdd(fmt=HALF)
        m.submodules.high = high = FloatAdd(fmt=HALF)
        m.d.comb += [
            Value.cast(low.i).eq(Cat(i.own[:16], i.received[:16])),
            Value.cast(high.i).eq(Cat(i.own[16:], i.received[16:])),
        ]
        own, received = p.source(i.own, "own"), p.source(i.received, "received")
        kind, form = p.source(i.kind, "kind"), p.source(i.format, "format")

        def chosen(a: Value, b: Value, k: Value) -> Value:
            smaller = k == Kind.MIN
            halves = [extreme(a[s : s + 16], b[s : s + 16], HALF, smaller=smaller) for s in (0, 16)]
            integer = Mux((a.as_signed() < b.as_signed()) ^ smaller, b, a)
            return Cat(*halves, extreme(a, b, SINGLE, smaller=smaller), integer, (a + b)[:32])

        def simple(options: Value, k: Value, f: Value, a: Value, r: Value) -> Value:
            """Everything but a floating-point sum, which comes from the adders."""
            half, one, integer, total = (options[s : s + 32] for s in range(0, 128, 32))
            integers = Mux(k == Kind.SUM, total, integer)
            number = Mux(f == ElementType.HALF, half, Mux(f == ElementType.INTEGER, integers, one))
            return Mux(r, number, a)

        options = p.stage(chosen, own, received, kind, name="options")
        reduce = p.source(i.reduce, "reduce")
        other = p.stage(simple, options, kind, form, received, reduce, name="other")
        adds = p.stage(
            lambda k, f, r: Cat(r & (k == Kind.SUM) & (f != ElementType.INTEGER), f == ElementType.HALF),
            kind,
            form,
            reduce,
            name="adds",
        )
        sums = p.source(Cat(self.single, low.o, high.o), "sums", FloatAdd.latency)
        result = p.stage(lambda o, s, a: Mux(a[0], Mux(a[1], s[32:], s[:32]), o), other, sums, adds, name="result")
        if result.stage != self.latency:
            raise ValueError(f"CombineLane takes {result.stage} cycles, its stated latency is {self.latency}")
        m.d.comb += self.o.eq(result.value)
        return m
