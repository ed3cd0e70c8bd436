"""Small designs for the tests of the estimator, and their RTLIL."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hw.generate import generate
from hw.lib.memory import two_port_memory
from hw.lib.shared import repeat


class Product(wiring.Component):
    """`o` is `a · b`, a cycle later."""

    def __init__(self, width: int) -> None:
        self.width = width
        super().__init__({"a": In(width), "b": In(width), "o": Out(2 * width)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.d.sync += self.o.eq(self.a * self.b)
        return m


class Bank(wiring.Component):
    """Products of what two ports read, of a large memory, a small one and one that is read without a clock."""

    def __init__(self, *, products: int = 2, width: int = 16) -> None:
        self.products, self.width = products, width
        super().__init__({"address": In(5), "data": In(width), "edge": In(1), "o": Out(2 * width * products)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        write, read = two_port_memory(m, platform, "rows", width=self.width, depth=64)
        m.d.comb += [write.addr.eq(self.address), write.data.eq(self.data), write.en.eq(self.edge)]
        m.d.comb += [read.addr.eq(self.address ^ 1), read.en.eq(1)]
        m.submodules.few = few = Memory(shape=4, depth=4, init=[])
        few_write, few_read = few.write_port(), few.read_port(domain="comb")
        m.d.comb += [few_write.addr.eq(self.address), few_write.data.eq(self.data), few_write.en.eq(self.edge)]
        m.d.comb += few_read.addr.eq(self.address >> 2)
        held = Signal(self.width)
        m.d.sync += held.eq(read.data + few_read.data)
        products = repeat(m, platform, "product", self.products, lambda: Product(self.width))
        for k, product in enumerate(products):
            m.d.comb += [product.a.eq(held), product.b.eq(self.data + k)]
        m.d.comb += self.o.eq(Cat(product.o for product in products))
        return m


def rtlil(component: wiring.Component, name: str) -> str:
    """As the engines' is made."""
    return generate(component, name).rtlil


class Latest(wiring.Component):
    """`o` is what was last written to `row`, even in the same cycle; with `lower` its lower half is written alone."""

    def __init__(self) -> None:
        super().__init__({"row": In(6), "data": In(16), "lower": In(1), "o": Out(16)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.rows = rows = Memory(shape=16, depth=64, init=[])
        write = rows.write_port(granularity=8)
        read = rows.read_port(transparent_for=(write,))
        m.d.comb += [write.addr.eq(self.row), write.data.eq(self.data), write.en.eq(Cat(1, ~self.lower))]
        m.d.comb += [read.addr.eq(self.row), read.en.eq(1), self.o.eq(read.data)]
        return m


class Register(wiring.Component):
    """A file of words, read in the same cycle or, `clocked`, in the next."""

    def __init__(self, *, depth: int, width: int, clocked: bool) -> None:
        self.depth, self.width, self.clocked = depth, width, clocked
        super().__init__({"row": In(6), "data": In(width), "o": Out(width)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.rows = rows = Memory(shape=self.width, depth=self.depth, init=[])
        write, read = rows.write_port(), rows.read_port(domain="sync" if self.clocked else "comb")
        m.d.comb += [write.addr.eq(self.row), write.data.eq(self.data), write.en.eq(1)]
        m.d.comb += [read.addr.eq(self.row), self.o.eq(read.data)]
        return m
