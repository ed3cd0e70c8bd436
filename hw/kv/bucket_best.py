"""The best tokens of every vision-sink bucket."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.kv.memory_map import SINK_SCORE_BITS
from golden.kv.spec import Spec


class RankedLayout(data.StructLayout):
    """An entry of the sorted list."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(
            {
                "valid": 1,  #: the entry holds a token
                "place": range(spec.tokens),  #: its place in the stream
                "score": SINK_SCORE_BITS,  #: its score
            }
        )


class BucketBest(wiring.Component):
    """The best `capacity` tokens of each bucket of a stream, ties to the earliest.

    A sorted list takes one token a cycle. With a bucket's last token the list moves to a second one,
    from which one token leaves a cycle. So that the second is empty in time, a bucket must hold at
    least `capacity` tokens.
    """

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        super().__init__(
            {
                "capacity": In(range(spec.sink_capacity + 1)),  #: tokens to name of each bucket; holds still
                "valid": In(1),  #: a token is shown
                "place": In(range(spec.tokens)),  #: its place in the stream
                "score": In(SINK_SCORE_BITS),  #: its score
                "ends": In(1),  #: it is the last of its bucket
                #: a token that is among the best of its bucket, best first
                "best": Out(data.StructLayout({"valid": 1, "place": range(spec.tokens)})),
                "waiting": Out(1),  #: more are to leave
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
