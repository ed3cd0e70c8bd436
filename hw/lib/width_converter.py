"""Wide words to narrow ones and back."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, ShapeLike, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.stream import transfer, width_of


class Narrower(wiring.Component):
    """Splits a word of `ratio` elements; element 0 leaves first.

    Latency 1 cycle, throughput one element a cycle (a new word is taken with the last element of
    the old one, so `i.ready` depends on `o.ready`). `i.payload.count` is the number of elements to
    send, up to `ratio`; a word of 0 is taken and sends nothing. With a ratio of 1 a word passes within the cycle.

    Raises:
        ValueError: `ratio` is below 1.
    """

    def __init__(self, *, shape: ShapeLike, ratio: int) -> None:
        if ratio < 1:
            raise ValueError(f"Narrower: ratio must be at least 1, it is {ratio}")
        self.ratio = ratio
        self.layout = data.StructLayout(
            {
                "data": data.ArrayLayout(shape, ratio),  #: the elements, from 0 on
                "count": range(ratio + 1),  #: how many of them count
            }
        )
        self.width = width_of(shape)
        super().__init__(
            {
                "i": In(stream.Signature(self.layout)),  #: words, each with the number of its elements to send
                "o": Out(stream.Signature(shape)),  #: their elements, one by one
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        if self.ratio == 1:
            some = self.i.payload.count[0]
            m.d.comb += [
                Value.cast(self.o.payload).eq(Value.cast(self.i.payload.data)),
                self.o.valid.eq(self.i.valid & some),
                self.i.ready.eq(self.o.ready | ~some),
            ]
            return m
        word = Signal(self.width * self.ratio)
        left = Signal(range(self.ratio + 1))
        m.d.comb += [
            Value.cast(self.o.payload).eq(word[: self.width]),
            self.o.valid.eq(left != 0),
            self.i.ready.eq((left == 0) | ((left == 1) & self.o.ready)),
        ]
        with m.If(transfer(self.i)):
            m.d.sync += [word.eq(Value.cast(self.i.payload.data)), left.eq(self.i.payload.count)]
        with m.Elif(transfer(self.o)):
            m.d.sync += [word.eq(word >> self.width), left.eq(left - 1)]
        return m


class Widener(wiring.Component):
    """Gathers `ratio` elements into one word; the first becomes element 0.

    Latency 1 cycle after the last element, throughput one element a cycle (`i.ready` depends on
    `o.ready`). `i.payload.last` closes a word early; `o.payload.count` says how many elements it
    holds, the rest are zero.

    Raises:
        ValueError: `ratio` is below 1.
    """

    def __init__(self, *, shape: ShapeLike, ratio: int) -> None:
        if ratio < 1:
            raise ValueError(f"Widener: ratio must be at least 1, it is {ratio}")
        self.ratio = ratio
        self.layout = data.StructLayout(
            {
                "data": data.ArrayLayout(shape, ratio),  #: the elements, from 0 on
                "count": range(ratio + 1),  #: how many of them count
            }
        )
        element = data.StructLayout(
            {
                "data": shape,  #: the element
                "last": 1,  #: it closes its word
            }
        )
        super().__init__(
            {
                "i": In(stream.Signature(element)),  #: elements
                "o": Out(stream.Signature(self.layout)),  #: words, each with the number of elements it holds
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        count = self.o.payload.count
        place = Signal.like(count)
        m.d.comb += [self.i.ready.eq(~self.o.valid | self.o.ready), place.eq(Mux(self.o.valid, 0, count))]
        with m.If(transfer(self.o)):
            m.d.sync += [self.o.valid.eq(0), count.eq(0), Value.cast(self.o.payload.data).eq(0)]
        with m.If(transfer(self.i)):
            m.d.sync += [count.eq(place + 1), self.o.valid.eq(self.i.payload.last | (place == self.ratio - 1))]
            for k in range(self.ratio):
                with m.If(place == k):
                    m.d.sync += Value.cast(self.o.payload.data[k]).eq(Value.cast(self.i.payload.data))
        return m
