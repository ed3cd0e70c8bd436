"""The vector ALU for a node whose multiplier and adder take the words of a flit in turn."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.cluster.spec import Kind, Spec
from hw.cluster.combine_lane import CombineLane
from hw.cluster.merge_lanes import MergeLayout
from hw.cluster.merge_scale import order, pick, same
from hw.cluster.serial_lanes import latency, together
from hw.cluster.vector_alu import PairLayout, ResultLayout
from hw.lib.float_add import FloatAdd
from hw.lib.float_exp import FloatExp
from hw.lib.paced import paced_pipe, turn_port
from hw.lib.pipe import Pipe


class SerialAlu(wiring.Component):
    """`VectorAlu` beside `SerialLanes`: a flit once in `interval` cycles; the same results.

    Two pipelines as there. The words of a flit pass one lane in successive cycles. The maxima of a record are
    subtracted in the last but one cycle of its first flit, when no product of an earlier one comes to the adder:
    those come in odd cycles of a flit, if the first is number 0.
    """

    def __init__(self, *, spec: Spec, interval: int) -> None:
        self.spec, self.interval = spec, interval
        super().__init__(
            {
                **turn_port(interval),
                "valid": In(1),  #: `i` enters in this cycle, with `turn` 0
                "i": In(PairLayout(spec)),  #: two flits and what becomes of them; holds still for `interval` cycles
                "merge_busy": Out(1),  #: a flit is in the pipeline of MERGE
                "combine_busy": Out(1),  #: a flit is in the other pipeline
                "merges": Out(1),  #: the lanes get a flit to merge
                "merge": Out(MergeLayout(spec)),  #: for the lanes: a·own + b·received
                "merged": In(spec.link_width),  #: what the lanes made of it
                "add": Out(data.StructLayout({"a": 32, "b": 32})),  #: for the lanes: singles to be added
                "sum": In(32),  #: what came of that
                "zero": Out(1),  #: the exponential that begins is of 0
                "exponential": In(32),  #: of the magnitude of a sum
                "o_valid": Out(1),  #: `o` is a result in this cycle, not to be held back
                "o": Out(ResultLayout(spec)),  #: results in the order of the flits
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        i, lanes = self.i, self.spec.lanes
        p = paced_pipe(m, platform, self)
        begin = self.interval - 2 + FloatAdd.latency + FloatExp.latency + 2  # when a flit comes to the lanes
        merge_latency, combine_latency = begin + latency(self.spec), CombineLane.latency + lanes - 1
        merges = i.operation.reduce & (i.operation.kind == Kind.MERGE)
        combine_valid, merge_valid = Signal(combine_latency), Signal(merge_latency)
        m.d.sync += [
            combine_valid.eq(Cat(self.valid & ~merges, combine_valid)),
            merge_valid.eq(Cat(self.valid & merges, merge_valid)),
        ]
        word = self.turn[: (lanes - 1).bit_length()]
        own, received = i.own.word_select(word, 32), i.received.word_select(word, 32)
        subtracts = self.turn == self.interval - 2
        m.submodules.lane = lane = CombineLane()
        m.d.comb += [
            self.combine_busy.eq(combine_valid.any()),
            self.merge_busy.eq(merge_valid.any()),
            self.o_valid.eq(combine_valid[-1] | merge_valid[-1]),
            self.add.a.eq(Mux(subtracts, i.own[:32], own)),
            self.add.b.eq(Mux(subtracts, Cat(i.received[:31], ~i.received[31]), received)),
            lane.i.own.eq(own),
            lane.i.received.eq(received),
            *(lane.i[name].eq(i.operation[name]) for name in ("format", "kind", "reduce")),
            lane.single.eq(self.sum),
        ]
        combined = together(m, lane.o, lanes, 1)
        merged = self._merge(m, p, merge_valid, begin)
        tag = p.source(Value.cast(i.tag), "tag")
        m.d.comb += [
            self.o.data.eq(Mux(merge_valid[-1], merged, combined)),
            Value.cast(self.o.tag).eq(Mux(merge_valid[-1], p.at(tag, merge_latency), p.at(tag, combine_latency))),
        ]
        return m

    def _merge(self, m: Module, p: Pipe, valid: Signal, begin: int) -> Value:
        """A flit of a merge's result, in the cycle in which the lanes have it."""
        i = self.i
        ordered = p.stage(order, p.source(i.own[:32], "m1"), p.source(i.received[:32], "m2"), name="ordered")
        subtracted = self.interval - 2 + FloatAdd.latency
        m.d.comb += self.zero.eq(same(p.at(ordered, subtracted)) & valid[subtracted - 1])
        factor = p.source(self.exponential, "factor", subtracted + FloatExp.latency)
        scale = p.stage(pick, ordered, factor, name="scale")
        header = p.at(p.source(i.operation.header, "header"), scale.stage) & valid[scale.stage - 1]
        factors = Signal(64)  # of the record that passes
        with m.If(header):
            m.d.sync += factors.eq(scale.value[32:])
        if scale.stage + 1 != begin or begin % self.interval != 1:
            raise ValueError(f"SerialAlu: a flit comes to the lanes in cycle {begin}, not in {scale.stage + 1}")
        m.d.comb += [
            self.merges.eq(valid[begin - 1]),
            self.merge.own.eq(p.at(p.source(i.own, "own"), begin)),
            self.merge.received.eq(p.at(p.source(i.received, "received"), begin)),
            Cat(self.merge.a, self.merge.b).eq(factors),
        ]
        top = p.source(Cat(scale.value[:32], header), "top", scale.stage)
        maximum = p.at(top, begin + latency(self.spec))
        return Cat(Mux(maximum[-1], maximum[:32], self.merged[:32])[:32], self.merged[32:])
