"""Half a flit of half-precision numbers as a whole one of single precision."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.float_format import HALF
from hw.cluster.config import Config
from hw.lib.float_parts import widen


class WidenFlit(wiring.Component):
    """o = the word, or the numbers of its half `half` widened. Latency 1 cycle, throughput one a cycle."""

    latency = 1

    def __init__(self, *, config: Config) -> None:
        self.width = config.spec.link_width
        layout = data.StructLayout(
            {
                "word": self.width,  #: of the node's memory
                "widen": 1,  #: the word holds halves, of which singles are made
                "half": 1,  #: which half of the word; matters if `widen`
            }
        )
        super().__init__(
            {
                "i": In(layout),  #: a word every cycle
                "o": Out(self.width),  #: a flit, 1 cycle later
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        i = self.i
        half = Signal(self.width // 2)
        m.d.comb += half.eq(Mux(i.half, i.word[self.width // 2 :], i.word[: self.width // 2]))
        wide = Cat(widen(half[k : k + HALF.width]) for k in range(0, len(half), HALF.width))
        m.d.sync += self.o.eq(Mux(i.widen, wide, i.word))
        return m
