"""The multipliers of a decode unit: codes of weights or keys times activations."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Elaboratable, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.cluster.spec import Spec
from hw.lib.fixed import resize
from hw.lib.pipe import Pipe, Staged
from hw.lib.tree import add_all

FAN_IN = 4  # operands of an adder stage


def total_width(spec: Spec) -> int:
    """Bits of a row's sum: no row of at most `inputs` products leaves them."""
    return 8 + spec.activation_bits + (spec.inputs - 1).bit_length()


def dot_latency(spec: Spec) -> int:
    """Cycles from a row's last flit to its sum."""
    stages, operands = 2, spec.products  # products and accumulator
    while operands > 1:
        stages, operands = stages + 1, -(-operands // FAN_IN)
    return stages


class DotProduct(wiring.Component):
    """total = Σ code·activation over the flits from `first` to `last`, exact.

    As many products a cycle as a flit has weights, each behind a register; then an adder tree of four
    operands a stage, and the accumulator. Throughput one flit a cycle; `o` is a row's total from
    `dot_latency` cycles after its last flit came, for one cycle.
    """

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        count = spec.products
        layout = data.StructLayout(
            {
                "codes": data.ArrayLayout(signed(8), count),  #: of weights or keys
                "activations": data.ArrayLayout(signed(spec.activation_bits), count),  #: one for each of them
                "first": 1,  #: the flit begins a row
            }
        )
        super().__init__(
            {
                "i": In(layout),  #: a flit's codes and what they are multiplied with
                "valid": In(1),  #: a flit comes in this cycle; rows may have gaps
                "o": Out(signed(total_width(spec))),  #: the row's sum so far
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        level: Sequence[Staged] = [
            p.stage(
                lambda a, b: a * b,
                p.source(self.i.codes[k], f"code_{k}"),
                p.source(self.i.activations[k], f"activation_{k}"),
                name=f"product_{k}",
            )
            for k in range(self.spec.products)
        ]
        depth = 0
        while len(level) > 1:
            level = [
                p.stage(lambda *v: add_all(v), *level[k : k + FAN_IN], name=f"sum_{depth}_{k}")
                for k in range(0, len(level), FAN_IN)
            ]
            depth += 1
        flit = level[0]
        first: Value = p.at(p.source(self.i.first, "first"), flit.stage)
        comes = Signal(flit.stage)
        m.d.sync += comes.eq((comes << 1) | self.valid)
        with m.If(comes[-1]):
            m.d.sync += self.o.eq(resize(Mux(first, 0, self.o) + flit.value, self.o.shape()))
        if flit.stage + 1 != dot_latency(self.spec):
            raise ValueError(
                f"DotProduct takes {flit.stage + 1} cycles, its stated latency is {dot_latency(self.spec)}"
            )
        return m
