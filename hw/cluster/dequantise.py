"""4-bit weights to 8-bit codes."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.cluster.spec import GROUP, Spec
from hw.lib.memory import two_port_memory
from hw.lib.pipe import Pipe, Staged

PAIR = 16  # bits of a group's step and offset


class Dequantise(wiring.Component):
    """codes = weight·step + offset, 8 bits signed; equals `golden.cluster.weights.dequantise`.

    Holds the steps and offsets of one row block. A flit of weights belongs to one group, since a
    flit has at most 64. Latency 4 cycles, throughput one flit a cycle.
    """

    latency = 4

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        self.pairs = spec.link_width // PAIR  # a flit
        self.rows = max(2, -(-spec.lanes * (spec.inputs // GROUP) // self.pairs))
        super().__init__(
            {
                "flit": In(spec.link_width),  #: weights, or steps and offsets
                "fill": In(1),  #: the flit is steps and offsets, to be kept
                "row": In(range(self.rows)),  #: where they are kept
                "group": In(range(self.rows * self.pairs)),  #: the flit's weights belong to this group of the row block
                "o": Out(8 * spec.products),  #: codes of the weights that came 4 cycles ago, the first one lowest
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        write, read = two_port_memory(m, platform, "groups", width=self.spec.link_width, depth=self.rows)
        bits = (self.pairs - 1).bit_length()
        m.d.comb += [
            write.addr.eq(self.row),
            write.data.eq(self.flit),
            write.en.eq(self.fill),
            read.addr.eq(self.group[bits:]),
            read.en.eq(~self.fill),
        ]
        slot = p.source(self.group[:bits], "slot")
        pair = p.stage(lambda row, k: row.word_select(k, PAIR), Staged(read.data, 1, "row"), slot, name="pair")
        flit = p.source(self.flit, "flit")
        results: list[Value] = []
        for k in range(self.spec.products):
            weight = Staged(p.at(flit, 2)[4 * k : 4 * k + 4], 2, f"weight_{k}")
            product = p.stage(lambda w, s: (w * s[:8])[:8], weight, pair, name=f"product_{k}")
            code = p.stage(lambda a, s: (a + s[8:])[:8], product, pair, name=f"code_{k}")
            results.append(code.value)
        m.d.comb += self.o.eq(Cat(results))
        return m
