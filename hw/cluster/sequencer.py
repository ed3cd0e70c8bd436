"""Expands commands to turns."""

from __future__ import annotations

from amaranth.hdl import Const, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.cluster.spec import INDEPENDENT, ElementType, Op, Schedule
from hw.cluster.config import Config
from hw.cluster.layouts import LENGTH, WalkLayout, command_layout
from hw.lib.stream import transfer


class Sequencer(wiring.Component):
    """A collective command to its turns (golden/cluster/turns.py), three views of each at once.

    Latency 1 cycle, throughput one turn a cycle; a command is taken with its last turn.
    """

    def __init__(self, *, config: Config) -> None:
        self.spec = config.spec
        layout = WalkLayout(self.spec)
        super().__init__(
            {
                "rank": In(range(self.spec.nodes)),  #: of this node, constant
                "i": In(stream.Signature(command_layout())),  #: collective commands without impossible codes
                "send": Out(layout),  #: what the turn sends
                "operand": Out(layout),  #: what it reads beside what it receives
                "receive": Out(layout),  #: what it receives
                "valid": Out(1),  #: the three are a turn; they hold until they are taken
                "ready": In(1),  #: the three are taken
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec, c = self.spec, self.i.payload
        nodes, rounds = spec.nodes, spec.rounds
        step = Signal(range(nodes))  # turn within a pass
        again = Signal()  # a ring's second pass, which hands the sums round
        xor, ring = c.schedule == Schedule.XOR, c.schedule == Schedule.RING
        reduces = (c.op == Op.REDUCE) | (c.op == Op.REDUCE_SCATTER)
        gather, barrier = c.op == Op.GATHER, c.op == Op.BARRIER
        first, both = (step == 0) & ~again, ring & (c.op == Op.REDUCE)
        end_of_pass = step == Mux(ring, nodes - 2, rounds - 1)
        ends = end_of_pass & (~both | again)

        stride = Signal(nodes)  # 2**step
        m.d.comb += stride.eq(Const(1, 1) << step)
        to, source, link = self._partners(m, step, stride)
        sends, receives = self._takes_part(m, step, stride)
        going = Signal(rounds)  # the piece that leaves first
        m.d.comb += going.eq(self.rank - step - (c.op == Op.REDUCE_SCATTER) + again)
        numbered = gather | (ring & reduces)
        doubles = gather & ~ring
        length = Signal(LENGTH)
        m.d.comb += length.eq(Mux(barrier, 1, Mux(ring & reduces, c.flits >> rounds, c.flits)))

        sets = {
            "link": link,
            "xor": xor,
            "segments": Mux(doubles, stride, 1),
            "flits": length,
            "offset": Mux(doubles & ~first, (length << step)[1:], 0),
            "stream": ~first,
            "wait": ~(first & c.flags[INDEPENDENT - 1]),
            "discard": barrier,
            "record": c.record,
            "format": c.format,
            "kind": c.kind,
            "reduce": reduces & ~again,
        }
        widens = reduces & (c.format == ElementType.MIXED) & ~again
        numbers: dict[str, dict[str, Value]] = {
            "send": {
                "active": sends,
                "peer": to,
                "rank": Mux(numbered, Mux(ring, going, self.rank), 0),
                "base": Mux(reduces & first, c.source, c.target),
                "widen": widens & first,
            },
            "operand": {
                "active": receives & reduces & ~again,
                "peer": source,
                "rank": Mux(numbered, going - 1, 0),
                "base": Mux(ring | first, c.source, c.target),
                "widen": widens & (first | ring),
            },
            "receive": {
                "active": receives,
                "peer": source,
                "rank": Mux(numbered, Mux(ring, going - 1, source), 0),
                "base": c.target,
                "widen": Const(0, 1),
            },
        }
        free = ~self.valid | self.ready
        m.d.comb += self.i.ready.eq(free & ends)
        with m.If(free):
            m.d.sync += self.valid.eq(self.i.valid)
            for name, own in numbers.items():
                view = getattr(self, name)
                m.d.sync += [view[field].eq(value) for field, value in (sets | own).items()]
            with m.If(self.i.valid):
                m.d.sync += step.eq(Mux(end_of_pass, 0, step + 1))
                m.d.sync += again.eq(Mux(transfer(self.i), 0, again | end_of_pass))
        return m

    def _partners(self, m: Module, step: Value, stride: Value) -> tuple[Signal, Signal, Signal]:
        """The node that is sent to, the one that is received from, and the link of both."""
        spec, c = self.spec, self.i.payload
        rounds = spec.rounds
        xor, ring = c.schedule == Schedule.XOR, c.schedule == Schedule.RING
        to, source = Signal(rounds), Signal(rounds)
        hop = Mux(ring, 1, stride)
        m.d.comb += [
            to.eq(Mux(xor, self.rank ^ stride, self.rank + hop)),
            source.eq(Mux(xor, self.rank ^ stride, self.rank - hop)),
        ]
        link = Signal(range(spec.links))
        k = Mux(ring, 0, step)
        m.d.comb += link.eq(Mux(xor | (k == rounds - 1), k, rounds + k))
        return to, source, link

    def _takes_part(self, m: Module, step: Value, stride: Value) -> tuple[Signal, Signal]:
        """Whether the node sends, and whether it receives; in a broadcast its distance to the root decides."""
        c = self.i.payload
        xor, ring, broadcast = c.schedule == Schedule.XOR, c.schedule == Schedule.RING, c.op == Op.BROADCAST
        place = Signal(self.spec.rounds)
        m.d.comb += place.eq(Mux(xor, self.rank ^ c.root, self.rank - c.root))
        sends, receives = Signal(), Signal()
        m.d.comb += [
            sends.eq(~broadcast | Mux(ring, place == step, place < stride)),
            receives.eq(~broadcast | Mux(ring, place == step + 1, (place >= stride) & (place < (stride << 1)))),
        ]
        return sends, receives
