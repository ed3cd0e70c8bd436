"""Weighted-sum thresholding unit: which clusters a block of query rows needs, and the union over rows."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Cat, Elaboratable, Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import ReadPort
from amaranth.lib.wiring import In, Out

from golden.kv.memory_map import MODE_COUNT, SHIFT_BITS
from hw.kv.config import Config
from hw.kv.layouts import ScoreLayout, header_layout, query_info_layout
from hw.kv.wtu_lane import WtuLane
from hw.lib.memory import two_port_memory
from hw.lib.shared import repeat
from hw.lib.tree import add_all

DRAIN = 8  # cycles from the last score to the walk


class SelectedLayout(data.StructLayout):
    """One cluster of a head's union; clusters come in rising order."""

    def __init__(self, config: Config) -> None:
        super().__init__(
            {
                "cluster": range(config.spec.clusters),  #: its number
                "selected": 1,  #: a row needs it
                "last": 1,  #: it is the last of the table
            }
        )


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A cluster whose kept buckets are compared, if `moving`, for the block of rows that was walked."""

    cluster: Signal
    moving: Signal
    lowest: list[Signal]  # bucket that each row takes
    valid: Signal  # rows that hold a query
    first: Signal  # block of the head
    last: Signal  # block of the head


class WeightedThresholdUnit(wiring.Component):
    """A lane for every query row: `rows` scores a cycle.

    Pass: the scores of a cluster in all rows arrive together; only their buckets are kept, rows ×
    log2(buckets) bits a cluster. Walk: all lanes at once. Mark: cluster by cluster, one a cycle, the
    kept buckets are compared with each row's lowest, and the rows' results are joined (the paper's
    aggregator); blocks of rows are joined by a bit a cluster. The taker of `o` must always be ready.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        spec = config.spec
        super().__init__(
            {
                "header": In(header_layout()),  #: the job's
                "start": In(1),  #: begin a pass over the block of rows that `info`, `first` and `last` describe
                "info": In(query_info_layout(spec)),  #: which rows hold a query, and their shifts; sampled with `start`
                "first": In(1),  #: it is the head's first block; sampled with `start`
                "last": In(1),  #: it is the head's last block; sampled with `start`
                "clusters": In(range(spec.clusters + 1)),  #: in the table; holds still while busy
                "scores": In(stream.Signature(ScoreLayout(spec))),  #: a cluster's scores in all rows; always taken
                "scored": In(1),  #: the score unit is done with this block
                #: the head's union, cluster by cluster, in the mark of its last block; the taker must be ready
                "o": Out(stream.Signature(SelectedLayout(config))),
                "room": In(1),  #: the taker of `o` has room for a whole table
                "busy": Out(1),  #: until the mark is over
                "walking": Out(1),  #: buckets are being opened
                "walked": Out(1),  #: `opened` and `visited` are valid in this cycle
                "opened": Out(range(spec.rows * spec.buckets + 1)),  #: buckets opened, all rows of the block
                "visited": Out(range(spec.rows * spec.clusters + 1)),  #: scores in them, all rows of the block
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec = self.config.spec
        lanes = repeat(m, platform, "wtu_lane", spec.rows, lambda: WtuLane(spec=spec))
        bucket_bits = (spec.buckets - 1).bit_length()
        kept, read_kept = two_port_memory(m, platform, "kept", width=spec.rows * bucket_bits, depth=spec.clusters)
        first, last = Signal(), Signal()
        walk = Signal()
        valid = self._feed(m, lanes, walk)
        # A score's bucket leaves its lane 3 cycles after the score.
        arriving = Signal(3)
        place = Signal(range(spec.clusters))
        m.d.sync += arriving.eq(self.scores.valid | arriving << 1)
        m.d.comb += [
            self.scores.ready.eq(1),
            kept.addr.eq(place),
            kept.data.eq(Cat(lane.bucket for lane in lanes)),
            kept.en.eq(arriving[-1]),
        ]
        with m.If(kept.en):
            m.d.sync += place.eq(place + 1)

        wait = Signal(range(DRAIN + 1))
        mark = Signal(range(spec.clusters))
        marking = Signal()
        finished = Signal()
        m.d.comb += self.busy.eq(1)
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += self.busy.eq(0)
                with m.If(self.start):
                    m.d.sync += [place.eq(0), first.eq(self.first), last.eq(self.last), wait.eq(0), mark.eq(0)]
                    m.next = "PASS"
            with m.State("PASS"):
                with m.If(self.scored):
                    m.d.sync += wait.eq(wait + 1)
                with m.If(wait == DRAIN):
                    m.d.comb += walk.eq(1)
                    m.next = "BEGIN"
            with m.State("BEGIN"):
                m.next = "WALK"
            with m.State("WALK"):
                m.d.comb += self.walking.eq(1)
                with m.If(~Cat(lane.busy for lane in lanes).any()):
                    m.next = "SUM"
            with m.State("SUM"):
                m.next = "COUNT"
            with m.State("COUNT"):
                m.d.comb += self.walked.eq(1)
                m.next = "ROOM"
            with m.State("ROOM"):
                with m.If(self.room):
                    m.next = "MARK"
            with m.State("MARK"):
                m.d.comb += marking.eq(1)
                m.d.sync += mark.eq(mark + 1)
                with m.If(mark == self.clusters - 1):
                    m.next = "LEAVE"
            with m.State("LEAVE"):
                with m.If(finished):
                    m.next = "IDLE"
        m.d.sync += [
            self.opened.eq(add_all([lane.opened for lane in lanes])),
            self.visited.eq(add_all([lane.visited for lane in lanes])),
        ]
        mark_ends = self._mark(
            m,
            platform,
            read_kept,
            Mark(
                cluster=mark,
                moving=marking,
                lowest=[lane.lowest for lane in lanes],
                valid=valid,
                first=first,
                last=last,
            ),
        )
        m.d.comb += finished.eq(mark_ends)
        return m

    def _feed(self, m: Module, lanes: list[WtuLane], walk: Signal) -> Signal:
        """Scores and the block's parameters to the lanes. Returns which rows hold a query."""
        valid = Signal(len(lanes))
        for r, lane in enumerate(lanes):
            shift = Signal(SHIFT_BITS, name=f"shift_{r}")
            with m.If(self.start):
                m.d.sync += [shift.eq(self.info[f"shift_{r}"]), valid[r].eq(self.info.valid[r])]
            m.d.comb += [
                lane.begin.eq(self.start),
                lane.valid.eq(self.scores.valid),
                lane.score.eq(self.scores.payload.scores[r]),
                lane.count.eq(self.scores.payload["count"]),
                lane.shift.eq(shift),
                lane.walk.eq(walk),
                lane.active.eq(valid[r]),
                lane.count_mode.eq(self.header.mode & MODE_COUNT != 0),
                lane.code.eq(self.header.wicsum_code),
            ]
        return valid

    def _mark(self, m: Module, platform: object, kept: ReadPort, mark: Mark) -> Value:
        """Reads a cluster's buckets, compares, joins rows, joins blocks. Returns whether the last cluster leaves."""
        spec = self.config.spec
        bits = (spec.buckets - 1).bit_length()
        joined, read_joined = two_port_memory(m, platform, "joined", width=1, depth=spec.clusters)
        stages = 3
        moving = Signal(stages)
        clusters = [Signal.like(mark.cluster, name=f"mark_{k}") for k in range(stages)]
        taken = Signal(spec.rows)
        before, now = Signal(), Signal()
        m.d.comb += [
            kept.addr.eq(mark.cluster),
            kept.en.eq(mark.moving),
            read_joined.addr.eq(mark.cluster),
            read_joined.en.eq(mark.moving),
        ]
        m.d.sync += [
            moving.eq(mark.moving | moving << 1),
            clusters[0].eq(mark.cluster),
            clusters[1].eq(clusters[0]),
            clusters[2].eq(clusters[1]),
            taken.eq(
                Cat(mark.valid[r] & (kept.data.word_select(r, bits) >= lowest) for r, lowest in enumerate(mark.lowest))
            ),
            before.eq(read_joined.data[0] & ~mark.first),
            now.eq(taken.any() | before),
        ]
        ends = clusters[2] == self.clusters - 1
        m.d.comb += [
            joined.addr.eq(clusters[2]),
            joined.data.eq(now),
            joined.en.eq(moving[2]),
            self.o.payload.cluster.eq(clusters[2]),
            self.o.payload.selected.eq(now),
            self.o.payload.last.eq(ends),
            self.o.valid.eq(moving[2] & mark.last),
        ]
        return moving[2] & ends
