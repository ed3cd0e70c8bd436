"""The vector ALU: a received flit with one's own."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.cluster.spec import Kind, Spec
from hw.cluster.combine_lane import CombineLane
from hw.cluster.layouts import address_bits, operation_layout
from hw.cluster.merge_lane import MergeLane
from hw.cluster.merge_lanes import MergeLayout, WordsLayout
from hw.cluster.merge_scale import MergeScale
from hw.lib.pipe import Pipe
from hw.lib.shared import repeat


class TagLayout(data.StructLayout):
    """What goes with a flit to its result."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "address": address_bits(spec),  #: where the result belongs in the node's memory
                "write": 1,  #: it is written there
                "last": 1,  #: it ends its turn
            }
        )


class PairLayout(data.StructLayout):
    """A received flit, the node's own, and what becomes of them."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "own": spec.link_width,  #: matters if `operation.reduce`
                "received": spec.link_width,  #: the peer's flit
                "operation": operation_layout(),  #: how they are combined
                "tag": TagLayout(spec),  #: goes with the result
            }
        )


class ResultLayout(data.StructLayout):
    """A flit of results."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "data": spec.link_width,  #: the flit
                "tag": TagLayout(spec),  #: as it came with the operands
            }
        )


class VectorAlu(wiring.Component):
    """result = own ⊕ received, link width / 32 words a cycle; equals `golden.cluster.combine`.

    Two pipelines: 7 cycles for all but MERGE, 34 for MERGE (a record's first flit brings the maxima,
    whose factors then hold for the whole record). Throughput one flit a cycle. Results leave in order
    if a flit of one pipeline enters only when the other is empty; `MergeLanes` adds and merges for both.
    """

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        super().__init__(
            {
                "valid": In(1),  #: `i` enters in this cycle
                "i": In(PairLayout(spec)),  #: two flits and what becomes of them
                "merge_busy": Out(1),  #: a flit is in the pipeline of MERGE
                "combine_busy": Out(1),  #: a flit is in the other pipeline
                "merges": Out(1),  #: the lanes get a flit to merge
                "merge": Out(MergeLayout(spec)),  #: for the lanes: a·own + b·received
                "add": Out(WordsLayout(spec)),  #: for the lanes: own + received
                "lanes": In(spec.link_width),  #: what the lanes made of them
                "o_valid": Out(1),  #: `o` is a result in this cycle, not to be held back
                "o": Out(ResultLayout(spec)),  #: results in the order of the flits
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        i = self.i
        merge_latency = MergeScale.latency + 1 + MergeLane.latency
        merges = i.operation.reduce & (i.operation.kind == Kind.MERGE)
        combine_valid, merge_valid = Signal(CombineLane.latency), Signal(merge_latency)
        m.d.sync += [
            combine_valid.eq(Cat(self.valid & ~merges, combine_valid)),
            merge_valid.eq(Cat(self.valid & merges, merge_valid)),
        ]
        m.d.comb += [
            self.combine_busy.eq(combine_valid.any()),
            self.merge_busy.eq(merge_valid.any()),
            self.o_valid.eq(combine_valid[-1] | merge_valid[-1]),
            self.add.own.eq(i.own),
            self.add.received.eq(i.received),
        ]
        p = Pipe(m, platform)
        tag = p.source(Value.cast(i.tag), "tag")
        combined = []
        for k, lane in enumerate(repeat(m, platform, "combine_lane", self.spec.lanes, CombineLane)):
            word = slice(32 * k, 32 * k + 32)
            m.d.comb += [
                lane.i.own.eq(i.own[word]),
                lane.i.received.eq(i.received[word]),
                *(lane.i[name].eq(i.operation[name]) for name in ("format", "kind", "reduce")),
                lane.single.eq(self.lanes[word]),
            ]
            combined.append(lane.o)
        merged = self._merge(m, p, merge_valid)
        m.d.comb += [
            self.o.data.eq(Mux(merge_valid[-1], merged, Cat(combined))),
            Value.cast(self.o.tag).eq(Mux(merge_valid[-1], p.at(tag, merge_latency), p.at(tag, CombineLane.latency))),
        ]
        return m

    def _merge(self, m: Module, p: Pipe, valid: Signal) -> Value:
        """A flit of a merge's result, `merge_latency` cycles after the flit came."""
        i = self.i
        ready = MergeScale.latency  # when a header's factors are there
        m.submodules.scale = scale = MergeScale()
        m.d.comb += [scale.i.m1.eq(i.own[:32]), scale.i.m2.eq(i.received[:32])]
        header = p.at(p.source(i.operation.header, "header"), ready) & valid[ready - 1]
        factors = Signal(64)  # of the record that passes
        with m.If(header):
            m.d.sync += factors.eq(Cat(scale.o.a, scale.o.b))
        m.d.comb += [
            self.merges.eq(valid[ready]),
            self.merge.own.eq(p.at(p.source(i.own, "own"), ready + 1)),
            self.merge.received.eq(p.at(p.source(i.received, "received"), ready + 1)),
            Cat(self.merge.a, self.merge.b).eq(factors),
        ]
        top = p.source(Cat(scale.o.top, header), "top", ready)
        maximum = p.at(top, ready + 1 + MergeLane.latency)
        return Cat(Mux(maximum[-1], maximum[:32], self.lanes[:32])[:32], self.lanes[32:])
