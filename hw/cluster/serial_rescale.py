"""A row's sum becomes a number, by a multiplier that others use too."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.cluster.spec import Spec
from hw.cluster.dot_product import total_width
from hw.cluster.rescale import TotalLayout
from hw.cluster.serial_lanes import OperandsLayout
from hw.lib.float_from_int import FloatFromInt
from hw.lib.float_multiply import FloatMultiply


class SerialRescale(wiring.Component):
    """`Rescale` beside `SerialLanes`: a total once in 2 · lanes cycles; the same results, as late."""

    FACTOR = FloatFromInt.latency  # cycles from a total to its first multiplication …
    SCALE = FACTOR + FloatMultiply.latency  # … and to its second
    latency = SCALE + FloatMultiply.latency

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        super().__init__(
            {
                "valid": In(1),  #: a total comes in this cycle
                "i": In(TotalLayout(spec)),  #: the total, and the scale of the row whose total came `SCALE` cycles ago
                "multiply": Out(OperandsLayout()),  #: for the multiplier
                "product": In(32),  #: what it made of what it got `FloatMultiply.latency` cycles ago
                "o": Out(32),  #: a total's number, a single, `latency` cycles later
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.number = number = FloatFromInt(width=total_width(self.spec))
        came = Signal(self.SCALE)
        m.d.sync += came.eq(Cat(self.valid, came))
        again = came[-1]
        m.d.comb += [
            number.i.value.eq(self.i.total),
            number.i.scale.eq(self.i.exponent),
            self.multiply.enable.eq(came[self.FACTOR - 1] | again),
            self.multiply.a.eq(Mux(again, self.product, number.o)),
            self.multiply.b.eq(Mux(again, self.i.scale, self.i.factor)),
            self.o.eq(self.product),
        ]
        return m
