"""A row's sum becomes a number."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.cluster.spec import Spec
from golden.float_format import SINGLE
from hw.cluster.dot_product import total_width
from hw.lib.float_from_int import FloatFromInt
from hw.lib.float_multiply import FloatMultiply
from hw.lib.pipe import Pipe

EXPONENT = 10  # bits of the activations' exponent


class Rescale(wiring.Component):
    """o = total·2**exponent · factor · scale, rounded three times; equals the tail of `golden.cluster.compute.project`.

    Throughput one a cycle.

    Members:
        i: {`total`, `exponent`, `factor`, `scale`}; `scale` belongs to the total, the others hold still.
        o: a single.
    """

    latency = FloatFromInt.latency + 2 * FloatMultiply.latency

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        layout = data.StructLayout(
            {"total": signed(total_width(spec)), "exponent": signed(EXPONENT), "factor": 32, "scale": 32}
        )
        super().__init__({"i": In(layout), "o": Out(32)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        m.submodules.number = number = FloatFromInt(width=total_width(self.spec))
        m.submodules.by_factor = by_factor = FloatMultiply(fmt=SINGLE)
        m.submodules.by_scale = by_scale = FloatMultiply(fmt=SINGLE)
        late = p.at(p.source(self.i.scale, "scale"), FloatFromInt.latency + FloatMultiply.latency)
        m.d.comb += [
            number.i.value.eq(self.i.total),
            number.i.scale.eq(self.i.exponent),
            Value.cast(by_factor.i).eq(Cat(number.o, self.i.factor)),
            Value.cast(by_scale.i).eq(Cat(by_factor.o, late)),
            self.o.eq(by_scale.o),
        ]
        return m
