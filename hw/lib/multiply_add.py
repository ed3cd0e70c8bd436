"""Pipelined multiply-add."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Shape
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.pipe import Pipe


class MultiplyAdd(wiring.Component):
    """o = a·b + c, exact, with registers before, between and behind.

    Latency 3 cycles, throughput one a cycle. Operands of at most 18 bits, signed, fill one ECP5
    multiplier.

    Raises:
        ValueError: an operand has no bits or more than 64.
    """

    latency = 3

    def __init__(self, *, a: Shape, b: Shape, c: Shape) -> None:
        for name, shape in (("a", a), ("b", b), ("c", c)):
            if not 1 <= shape.width <= 64:
                raise ValueError(f"MultiplyAdd: {name} must have 1 to 64 bits, it has {shape.width}")
        operands = data.StructLayout({"a": a, "b": b, "c": c})
        width = max(a.width + b.width, c.width) + 2
        super().__init__(
            {
                "i": In(operands),  #: the two factors and the addend
                "o": Out(Shape(width, signed=True)),  #: wide enough for every result
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        a, b, c = (p.stage(lambda v: v, p.source(self.i[n], n), name=f"{n}_in") for n in "abc")
        product = p.stage(lambda x, y: x * y, a, b, name="product")
        total = p.stage(lambda x, y: x + y, product, c, name="total")
        m.d.comb += self.o.eq(total.value)
        return m
