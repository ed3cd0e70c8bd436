"""Scores of all clusters for a block of query rows."""

from __future__ import annotations

from itertools import pairwise

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.kv.config import Config
from hw.kv.layouts import ScoreLayout, sums_layout
from hw.kv.mean_unit import MeanUnit
from hw.kv.score_lane import ScoreLane
from hw.lib.shared import repeat


class ScoreUnit(wiring.Component):
    """Walks the key table once for a head: equals `mean_unit` and `score_unit` of golden.kv.key_table.

    Means are not stored: a chunk of sums becomes a chunk of means on its way to the rows. `rows`
    scores of one cluster every `chunks` cycles, 17 cycles behind the walk.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        spec = config.spec
        super().__init__(
            {
                "start": In(1),  #: begin to score all clusters for `head`
                "head": In(range(spec.heads)),  #: sampled with `start`
                "clusters": In(range(spec.clusters + 1)),  #: in the table, at least 1; holds still while busy
                "busy": Out(1),  #: scores are still to come
                "reading": Out(1),  #: `row` and `cluster` are read in this cycle
                "row": Out(range(spec.clusters * spec.token_words)),  #: a row of the key table, to KeyTable
                "cluster": Out(range(spec.clusters)),  #: whose row it is, to BlockStore
                "sums": In(stream.Signature(sums_layout(spec))),  #: the row, a cycle later; always taken
                "count": In(spec.count_bits),  #: the cluster's tokens, a cycle later
                "chunk": Out(range(spec.chunks)),  #: a chunk of the query block, to QueryFetch
                "rows": In(8 * spec.lanes * spec.rows),  #: that chunk of every row, a cycle later
                #: a cluster's scores after another; the taker must always be ready
                "o": Out(stream.Signature(ScoreLayout(spec))),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec = self.config.spec
        m.submodules.mean_unit = mean_unit = MeanUnit(spec=spec)
        lanes = repeat(m, platform, "score_lane", spec.rows, lambda: ScoreLane(spec=spec))

        # Walk: cluster by cluster, chunk by chunk.
        row = Signal(range(spec.clusters * spec.token_words))
        cluster = Signal(range(spec.clusters))
        chunk = Signal(range(spec.chunks))
        chunk_ends = chunk == spec.chunks - 1
        last = chunk_ends & (cluster == self.clusters - 1)
        m.d.comb += [self.row.eq(row), self.cluster.eq(cluster)]
        with m.If(self.reading):
            m.d.sync += [
                chunk.eq(Mux(chunk_ends, 0, chunk + 1)),
                cluster.eq(cluster + chunk_ends),
                row.eq(row + Mux(chunk_ends, spec.token_words - spec.chunks + 1, 1)),
                self.reading.eq(~last),
            ]
        with m.If(self.start):
            m.d.sync += [self.reading.eq(1), row.eq(self.head * spec.chunks), cluster.eq(0), chunk.eq(0)]

        # What belongs to a chunk travels beside it. Cycle 1: sums and count; 2: into the mean unit;
        # `meets`: means and query rows; `ends`: scores.
        meets = 2 + mean_unit.latency
        ends = meets + ScoreLane.latency
        flags = [Signal(3, name=f"flags_{k}") for k in range(1, ends + 1)]  # valid, first, last of a cluster
        chunks = [Signal(range(spec.chunks), name=f"chunk_{k}") for k in range(1, meets)]
        counts = [Signal(spec.count_bits, name=f"count_{k}") for k in range(2, ends + 1)]
        sums = Signal.like(self.sums.payload, reset_less=True)
        m.d.sync += [
            flags[0].eq(Cat(self.reading, chunk == 0, chunk_ends)),
            chunks[0].eq(chunk),
            counts[0].eq(self.count),
            Value.cast(sums).eq(Value.cast(self.sums.payload)),
            *(after.eq(before) for line in (flags, chunks, counts) for before, after in pairwise(line)),
        ]
        m.d.comb += [
            self.sums.ready.eq(1),
            Value.cast(mean_unit.i.sums).eq(Value.cast(sums)),
            mean_unit.i["count"].eq(counts[0]),
            self.chunk.eq(chunks[-1]),
            self.o.payload["count"].eq(counts[-1]),
            self.o.valid.eq(flags[-1][0] & flags[-1][2]),
            self.busy.eq(self.reading | Cat(f[0] for f in flags).any()),
        ]
        for r, lane in enumerate(lanes):
            m.d.comb += [
                lane.query.eq(self.rows.word_select(r, 8 * spec.lanes)),
                lane.means.eq(Value.cast(mean_unit.o)),
                lane.valid.eq(flags[meets - 1][0]),
                lane.first.eq(flags[meets - 1][1]),
                self.o.payload.scores[r].eq(lane.score),
            ]
        return m
