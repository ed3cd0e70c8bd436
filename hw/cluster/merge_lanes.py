"""A node's multipliers and adders of singles, which its vector ALU and its decode unit share."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.cluster.spec import Spec
from hw.cluster.merge_lane import MergeLane
from hw.lib.shared import repeat


class WordsLayout(data.StructLayout):
    """Two flits of singles, to be added word by word."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "own": spec.link_width,  #: the node's
                "received": spec.link_width,  #: its peer's
            }
        )


class MergeLayout(data.StructLayout):
    """Two flits of singles, and a factor for each."""

    def __init__(self, spec: Spec) -> None:
        super().__init__({**WordsLayout(spec).members, "a": 32, "b": 32})


class TurnLayout(data.StructLayout):
    """A flit of a vector, and factors for every word and for its neighbour in the pair."""

    def __init__(self, spec: Spec) -> None:
        super().__init__({"vector": spec.link_width, "own": spec.link_width, "other": spec.link_width})


class MergeLanes(wiring.Component):
    """A `MergeLane` for every word of a flit: merges, sums, and turns of pairs.

    What is asked for at once collides: the vector ALU lets a flit to be added or merged in only when none of the other
    kind is under way, and vectors are turned while the node is idle. Latencies are those of `MergeLane`, throughput
    a flit a cycle.
    """

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        turning = {
            "turns": In(1),  #: the lanes take `turn`, not `merge`
            "turn": In(TurnLayout(spec)),  #: for own[c]·vector[c] + other[c]·vector[c XOR 1]
        }
        super().__init__(
            {
                "merges": In(1),  #: `merge` is there
                "merge": In(MergeLayout(spec)),  #: for a·own + b·received
                "add": In(WordsLayout(spec)),  #: for own + received, while no products come to the adders
                **(turning if spec.compute else {}),
                "o": Out(spec.link_width),  #: the results, `MergeLane`'s latencies later
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        # From a register: what is to be added comes late in the cycle.
        come = Signal(MergeLane.product_latency)
        m.d.sync += come.eq(Cat(self.merges | self.turns if self.spec.compute else self.merges, come))
        for k, lane in enumerate(repeat(m, platform, "merge_lane", self.spec.lanes, MergeLane)):
            word, pair = (slice(32 * c, 32 * c + 32) for c in (k, k ^ 1))
            m.d.comb += [
                lane.i.own.eq(self.merge.own[word]),
                lane.i.received.eq(self.merge.received[word]),
                lane.i.a.eq(self.merge.a),
                lane.i.b.eq(self.merge.b),
                lane.products.eq(come[-1]),
                lane.add.one.eq(self.add.own[word]),
                lane.add.other.eq(self.add.received[word]),
                self.o[word].eq(lane.o),
            ]
            if self.spec.compute:
                turn = self.turn
                with m.If(self.turns):
                    m.d.comb += [
                        lane.i.own.eq(turn.vector[word]),
                        lane.i.received.eq(turn.vector[pair]),
                        lane.i.a.eq(turn.own[word]),
                        lane.i.b.eq(turn.other[word]),
                    ]
        return m
