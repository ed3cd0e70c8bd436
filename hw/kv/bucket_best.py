"""The best tokens of every vision-sink bucket."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.kv.memory_map import SINK_SCORE_BITS
from golden.kv.spec import Spec


class RankedLayout(data.StructLayout):
    """A token in a list: whether there is one, its place in the stream, its score."""

    def __init__(self, spec: Spec) -> None:
        super().__init__({"valid": 1, "place": range(spec.tokens), "score": SINK_SCORE_BITS})


class BucketBest(wiring.Component):
    """The best `capacity` tokens of each bucket of a stream, ties to the earliest.

    A sorted list takes one token a cycle. With a bucket's last token the list moves to a second
    one, which leaves a token a cycle: a bucket must hold at least as many tokens as the `capacity`
    of the one before.

    Members:
        capacity: holds still. valid, place, score: a token. ends: it is its bucket's last.
        best: a token's place leaves: {`valid`, `place`}. waiting: more are to leave.
    """

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        super().__init__(
            {
                "capacity": In(range(spec.sink_capacity + 1)),
                "valid": In(1),
                "place": In(range(spec.tokens)),
                "score": In(SINK_SCORE_BITS),
                "ends": In(1),
                "best": Out(data.StructLayout({"valid": 1, "place": range(spec.tokens)})),
                "waiting": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        layout = RankedLayout(self.spec)
        size = self.spec.sink_capacity
        entries = [Signal(layout, name=f"entry_{k}") for k in range(size)]
        merged = [Signal(layout, name=f"merged_{k}") for k in range(size)]
        leaving = [Signal(layout, name=f"leaving_{k}") for k in range(size)]
        new = Signal(layout)
        m.d.comb += [new.valid.eq(1), new.place.eq(self.place), new.score.eq(self.score)]
        moves = [~entry.valid | (self.score > entry.score) for entry in entries]  # down, for the new one
        for k, entry in enumerate(entries):
            pushed = Value.cast(entries[k - 1]) if k else Value.cast(new)
            inserted = Mux(moves[k - 1], pushed, Value.cast(new)) if k else pushed
            m.d.comb += Value.cast(merged[k]).eq(Mux(moves[k], inserted, Value.cast(entry)))
        m.d.comb += [
            self.best.valid.eq(leaving[0].valid),
            self.best.place.eq(leaving[0].place),
            self.waiting.eq(leaving[0].valid),
        ]
        for k, slot in enumerate(leaving):
            m.d.sync += Value.cast(slot).eq(Value.cast(leaving[k + 1]) if k + 1 < size else 0)
        with m.If(self.valid):
            for k, entry in enumerate(entries):
                m.d.sync += Value.cast(entry).eq(Mux(self.ends, 0, Value.cast(merged[k])))
            with m.If(self.ends):
                for k, slot in enumerate(leaving):
                    m.d.sync += [
                        Value.cast(slot).eq(Value.cast(merged[k])),
                        slot.valid.eq(merged[k].valid & (k < self.capacity)),
                    ]
        return m
