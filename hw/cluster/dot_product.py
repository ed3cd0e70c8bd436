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


def dot_latency(spec: Spec, interval: int = 1) -> int:
    """Cycles from a row's last flit to its sum."""
    stages, operands = 1 + interval, spec.products // interval  # products and accumulator
    while operands > 1:
        stages, operands = stages + 1, -(-operands // FAN_IN)
    return stages


class DotProduct(wiring.Component):
    """total = Σ code·activation over the flits from `first` to `last`, exact.

    As many products a cycle as a flit has weights, each behind a register; then an adder tree of four
    operands a stage, and the accumulator. Throughput one flit a cycle; `o` is a row's total from
    `dot_latency` cycles after its last flit came, for one cycle.

    With an `interval` flits come at least so many cycles apart, and as large a part of a flit is multiplied in a cycle.
    """

    def __init__(self, *, spec: Spec, interval: int = 1) -> None:
        self.spec, self.interval = spec, interval
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
                "i": In(layout),  #: a flit's codes and their activations; hold still for `interval` cycles
                "valid": In(1),  #: a flit comes in this cycle; rows may have gaps
                "o": Out(signed(total_width(spec))),  #: the row's sum so far
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = Pipe(m, platform)
        codes, activations, valid, begins = self._part(m)
        level: Sequence[Staged] = [
            p.stage(
                lambda a, b: a * b,
                p.source(code, f"code_{k}"),
                p.source(activation, f"activation_{k}"),
                name=f"product_{k}",
            )
            for k, (code, activation) in enumerate(zip(codes, activations, strict=True))
        ]
        depth = 0
        while len(level) > 1:
            level = [
                p.stage(lambda *v: add_all(v), *level[k : k + FAN_IN], name=f"sum_{depth}_{k}")
                for k in range(0, len(level), FAN_IN)
            ]
            depth += 1
        flit = level[0]
        first: Value = p.at(p.source(begins, "first"), flit.stage)
        comes = Signal(flit.stage)
        m.d.sync += comes.eq((comes << 1) | valid)
        with m.If(comes[-1]):
            m.d.sync += self.o.eq(resize(Mux(first, 0, self.o) + flit.value, self.o.shape()))
        taken, stated = flit.stage + self.interval, dot_latency(self.spec, self.interval)
        if taken != stated:
            raise ValueError(f"DotProduct takes {taken} cycles, its stated latency is {stated}")
        return m

    def _part(self, m: Module) -> tuple[list[Value], list[Value], Value, Value]:
        """Codes and activations of this cycle, whether there are any, and whether they begin a row."""
        i, count = self.i, self.spec.products // self.interval
        if self.interval == 1:
            numbers = range(count)
            return [i.codes[k] for k in numbers], [i.activations[k] for k in numbers], self.valid, i.first
        slot = Signal(range(self.interval))
        comes = self.valid | (slot != 0)
        with m.If(comes):
            m.d.sync += slot.eq(slot + 1)
        parts: list[list[Value]] = []
        for codes in (i.codes, i.activations):
            width = len(codes[0])
            part = Value.cast(codes).word_select(slot, count * width)
            parts.append([part.word_select(k, width).as_signed() for k in range(count)])
        return parts[0], parts[1], comes, i.first & (slot == 0)
