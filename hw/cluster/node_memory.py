"""A node's local memory."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.cluster.config import Config
from hw.cluster.layouts import ReadLayout, WriteLayout
from hw.lib.memory import two_port_memory

BANKS = 2  # even and odd words


class NodeMemory(wiring.Component):
    """Two banks of one read and one write port each; two readers of rising addresses share them without loss.

    The first reader is always served; the second is not while it wants the first one's bank, after
    which the two run on different banks. Data come 2 cycles after the request. No word may be read
    in the cycle in which it is written.
    """

    def __init__(self, *, config: Config) -> None:
        self.spec = config.spec
        width = self.spec.link_width
        super().__init__(
            {
                "first": In(ReadLayout(self.spec)),  #: always served
                "second": In(ReadLayout(self.spec)),  #: holds until it is served
                "granted": Out(1),  #: the second reader is served in this cycle
                "first_data": Out(width),  #: the word that the first reader asked for 2 cycles ago
                "second_data": Out(width),  #: the word that the second reader was granted 2 cycles ago
                "write": In(WriteLayout(self.spec)),  #: readable from the next cycle on
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        first, second, write = self.first, self.second, self.write
        m.d.comb += self.granted.eq(second.enable & ~(first.enable & (first.address[0] == second.address[0])))
        words = []
        for bank in range(BANKS):
            put, get = two_port_memory(
                m, platform, f"bank_{bank}", width=self.spec.link_width, depth=self.spec.words // BANKS
            )
            mine = first.enable & (first.address[0] == bank)
            m.d.comb += [
                get.addr.eq(Mux(mine, first.address[1:], second.address[1:])),
                get.en.eq(mine | (self.granted & (second.address[0] == bank))),
                put.addr.eq(write.address[1:]),
                put.data.eq(write.data),
                put.en.eq(write.enable & (write.address[0] == bank)),
            ]
            words.append(get.data)
        chosen = Signal(2)
        m.d.sync += [
            chosen.eq(Cat(first.address[0], second.address[0])),
            self.first_data.eq(Mux(chosen[0], words[1], words[0])),
            self.second_data.eq(Mux(chosen[1], words[1], words[0])),
        ]
        return m
