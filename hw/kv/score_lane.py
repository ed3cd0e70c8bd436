"""One query row of the score unit."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.kv.spec import KEY_BITS, Spec
from hw.lib.tree import add_all

GROUP = 4  # products that are added in one cycle


class ScoreLane(wiring.Component):
    """Adds up Q · mean over the chunks of a cluster.

    Latency 5 cycles from the last chunk, throughput one chunk a cycle; `lanes` INT8 multipliers.
    """

    latency = 5

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        super().__init__(
            {
                "query": In(KEY_BITS * spec.lanes),  #: a chunk of INT8, the first in the low bits
                "means": In(KEY_BITS * spec.lanes),  #: the cluster's chunk beside it
                "valid": In(1),  #: a chunk is shown
                "first": In(1),  #: it is the first of its cluster
                "score": Out(signed(spec.score_bits)),  #: the sum up to the chunk that came `latency` cycles before
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        lanes = self.spec.lanes
        operands = [Signal.like(self.query, name=name, reset_less=True) for name in ("q", "k")]
        products = [Signal(signed(2 * KEY_BITS), name=f"product_{k}") for k in range(lanes)]
        groups = [Signal(signed(2 * KEY_BITS + 2), name=f"group_{k}") for k in range(lanes // GROUP)]
        chunk = Signal(signed(self.spec.score_bits))
        valid, first = Signal(4), Signal(4)
        m.d.sync += [
            operands[0].eq(self.query),
            operands[1].eq(self.means),
            valid.eq(self.valid | valid << 1),
            first.eq(self.first | first << 1),
            chunk.eq(add_all(groups)),
        ]
        for k, product in enumerate(products):
            q, mean = (operand.word_select(k, KEY_BITS).as_signed() for operand in operands)
            m.d.sync += product.eq(q * mean)
        for k, group in enumerate(groups):
            m.d.sync += group.eq(add_all(products[k * GROUP : (k + 1) * GROUP]))
        with m.If(valid[3]):
            m.d.sync += self.score.eq(Mux(first[3], 0, self.score) + chunk)
        return m
