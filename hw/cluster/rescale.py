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


class TotalLayout(data.StructLayout):
    """A row's sum on its way to its number."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "total": signed(total_width(spec)),  #: the sum
                "exponent": signed(EXPONENT),  #: of the activations; holds still while totals are under way
                "factor": 32,  #: of the activations, a single; holds still too
                "scale": 32,  #: of a row, a single
            }
        )


class Rescale(wiring.Component):
    """o = total·2**exponent · factor · scale, rounded three times; equals `golden.cluster.compute.rescale`.

    Throughput one a cycle.
    """

    latency = FloatFromInt.latency + 2 * FloatMultiply.latency

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        super().__init__(
            {
                "i": In(TotalLayout(spec)),  #: a total every cycle, with its row's scale
                "o": Out(32),  #: its number, a single, `latency` cycles later
            }
        )

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
