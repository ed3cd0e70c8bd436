"""One word of an online-softmax merge."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.float_format import SINGLE
from hw.lib.float_add import FloatAdd
from hw.lib.float_multiply import FloatMultiply


class MergeLane(wiring.Component):
    """o = a·own + b·received in single precision, each step rounded. Latency 15 cycles, throughput one a cycle."""

    latency = FloatMultiply.latency + FloatAdd.latency

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
                "o": Out(32),  #: a single, 15 cycles later
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.mine = mine = FloatMultiply(fmt=SINGLE)
        m.submodules.theirs = theirs = FloatMultiply(fmt=SINGLE)
        m.submodules.add = add = FloatAdd(fmt=SINGLE)
        m.d.comb += [
            Value.cast(mine.i).eq(Cat(self.i.a, self.i.own)),
            Value.cast(theirs.i).eq(Cat(self.i.b, self.i.received)),
            Value.cast(add.i).eq(Cat(mine.o, theirs.o)),
            self.o.eq(add.o),
        ]
        return m
