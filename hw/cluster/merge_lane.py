"""One word of an online-softmax merge, whose adder also adds words as they are."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.float_format import SINGLE
from hw.lib.float_add import FloatAdd
from hw.lib.float_multiply import FloatMultiply


class MergeLane(wiring.Component):
    """o = a·own + b·received in single precision, each step rounded. Latency 15 cycles, throughput one a cycle.

    Where no products are awaited, o = one + other, `add_latency` cycles later.
    """

    add_latency = FloatAdd.latency
    product_latency = FloatMultiply.latency
    latency = product_latency + add_latency

    def __init__(self) -> None:
        layout = data.StructLayout(
            {
                "own": 32,  #: a single
                "received": 32,  #: a single
                "a": 32,  #: factor of `own`, a single
                "b": 32,  #: factor of `received`, a single
            }
        )
        super().__init__(
            {
                "i": In(layout),  #: two words and their factors, every cycle
                "products": In(1),  #: the adder takes the products of what came `product_latency` cycles before
                "add": In(data.StructLayout({"one": 32, "other": 32})),  #: two singles, for the adder else
                "o": Out(32),  #: a single, 15 cycles after `i`, or 6 after `add`
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.mine = mine = FloatMultiply(fmt=SINGLE)
        m.submodules.theirs = theirs = FloatMultiply(fmt=SINGLE)
        m.submodules.adder = adder = FloatAdd(fmt=SINGLE)
        m.d.comb += [
            Value.cast(mine.i).eq(Cat(self.i.a, self.i.own)),
            Value.cast(theirs.i).eq(Cat(self.i.b, self.i.received)),
            Value.cast(adder.i).eq(Mux(self.products, Cat(mine.o, theirs.o), Value.cast(self.add))),
            self.o.eq(adder.o),
        ]
        return m
