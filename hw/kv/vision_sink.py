"""LiveVLM's vision-sink bucketing: which tokens stay when the cache is compressed."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.kv.memory_map import SINK_SCORE_BITS
from hw.kv.bucket_best import BucketBest
from hw.kv.config import Config
from hw.kv.layouts import header_layout
from hw.kv.rank_select import DIGITS, RankSelect
from hw.kv.wtu import SelectedLayout
from hw.lib.memory import two_port_memory

BUCKETS = DIGITS  # the sweep that finds the best of every bucket; those before find the unconditional tokens
OUTPUT = 2 * DIGITS + 1  # the last sweep, which sends the bits; those before find the budget's last token
TURN, DRAIN = 5, 9  # cycles from a sweep's last token to `turn`, and to the digit


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Where a sweep over the tokens is."""

    number: Signal
    length: Signal  # tokens of the job
    place: Signal  # of the token that is read in this cycle
    last: Value  # it is the last
    over: Signal  # the sweep's last token has left the pipeline


class VisionSink(wiring.Component):
    """Equals `golden.kv.vision_sink`: a bit for every token, from its score.

    Scores arrive once, one a cycle, and are then read in 10 sweeps, one a cycle, with 10 cycles
    between sweeps: `DIGITS` sweeps find the score of the last unconditional token, one the best of every
    bucket, `DIGITS` more the score of the budget's last token, and one sends the bits.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        self.select = RankSelect(spec=config.spec)
        self.best = BucketBest(spec=config.spec)
        super().__init__(
            {
                "header": In(header_layout()),  #: the job's
                "go": In(1),  #: begin, with a valid header
                "i": In(stream.Signature(SINK_SCORE_BITS)),  #: scores, as many as there are tokens
                #: a bit a token, in order; must be taken while `room` is high, and for 4 cycles after
                "o": Out(stream.Signature(SelectedLayout(config))),
                "room": In(1),  #: the taker of `o` has room
                "busy": Out(1),  #: bits are still to come
                "loading": Out(1),  #: a score is taken in this cycle
                "sweeping": Out(1),  #: a score is read again in this cycle
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec = self.config.spec
        m.submodules.select = self.select
        m.submodules.best = best = self.best
        scores, read_score = two_port_memory(m, platform, "scores", width=SINK_SCORE_BITS, depth=spec.tokens)
        marks, read_mark = two_port_memory(m, platform, "marks", width=1, depth=spec.tokens)

        length = Signal(range(spec.tokens + 1))
        place = Signal(range(spec.tokens))
        number = Signal(range(OUTPUT + 1), name="sweep")
        swept = Signal()
        last = place == length - 1
        sweep = Sweep(number=number, length=length, place=place, last=last, over=swept)
        with m.If(self.loading | self.sweeping):
            m.d.sync += place.eq(Mux(last, 0, place + 1))
        m.d.comb += [
            scores.addr.eq(place),
            scores.data.eq(self.i.payload),
            scores.en.eq(self.loading),
            read_score.addr.eq(place),
            read_score.en.eq(self.sweeping),
            # The best of a bucket are marked while the next is swept.
            marks.addr.eq(Mux(self.loading, place, best.best.place)),
            marks.data.eq(~self.loading),
            marks.en.eq(self.loading | best.best.valid),
            read_mark.addr.eq(place),
            read_mark.en.eq(self.sweeping & (number > BUCKETS)),
        ]
        self._control(m, sweep)
        self._rank(m, sweep, read_score.data, read_mark.data[0])
        return m

    def _control(self, m: Module, sweep: Sweep) -> None:
        """Loads, then sweep after sweep."""
        select, number = self.select, sweep.number
        drain = Signal(range(DRAIN + 1))
        m.d.comb += [self.busy.eq(1), sweep.over.eq(drain == DRAIN), select.rank.eq(self.header.sink_unconditional)]
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += self.busy.eq(0)
                m.d.sync += [sweep.length.eq(self.header.token_count), number.eq(0)]
                with m.If(self.go):
                    m.d.comb += select.begin.eq(1)
                    m.next = "LOAD"
            with m.State("LOAD"):
                m.d.comb += [self.i.ready.eq(1), self.loading.eq(self.i.valid)]
                with m.If(self.loading & sweep.last):
                    m.next = "SWEEP"
            with m.State("SWEEP"):
                m.d.comb += self.sweeping.eq((number != OUTPUT) | self.room)
                m.d.sync += drain.eq(0)
                with m.If(self.sweeping & sweep.last):
                    m.next = "DRAIN"
            with m.State("DRAIN"):
                m.d.sync += drain.eq(drain + ~self.best.waiting)
                m.d.comb += select.turn.eq((drain == TURN) & (number != BUCKETS) & (number != OUTPUT))
                with m.If(sweep.over):
                    m.d.sync += number.eq(number + 1)
                    m.next = "SWEEP"
                    with m.If(number == BUCKETS):
                        m.d.comb += [select.begin.eq(1), select.rank.eq(self.header.sink_budget)]
                    with m.If(number == OUTPUT):
                        m.next = "IDLE"

    def _bucket_ends(self, m: Module, sweep: Sweep) -> Value:
        """A bucket ends where place · buckets / length grows by one."""
        tokens, length = self.config.spec.tokens, sweep.length
        phase, after = (Signal(range(2 * tokens + 1), name=name) for name in ("phase", "after"))
        ends = after >= length
        m.d.comb += after.eq(phase + self.header.sink_buckets[: len(length)])
        with m.If(self.sweeping):
            m.d.sync += phase.eq(Mux(sweep.last, 0, Mux(ends, after - length, after)))
        return ends

    def _rank(self, m: Module, sweep: Sweep, score: Value, mark: Value) -> None:
        """A token on its way: read, compared with both thresholds, eligible or not, kept or not."""
        select, best, number, last = self.select, self.best, sweep.number, sweep.last
        place, length = sweep.place, sweep.length
        ends = self._bucket_ends(m, sweep)
        valid, lasts = Signal(3), Signal(3)
        read_place, place_1 = Signal.like(place), Signal.like(place)
        read_ends, ends_1 = Signal(), Signal()
        score_1, score_2 = Signal(SINK_SCORE_BITS), Signal(SINK_SCORE_BITS)
        mark_1, whole, eligible = Signal(), Signal(), Signal()
        first_score = Signal(SINK_SCORE_BITS)  # of the last unconditional token
        first_ties = Signal.like(length)
        first_seen, seen = Signal.like(length), Signal.like(length)  # tokens with a threshold's score, this sweep
        above_first, at_first = Signal(), Signal()
        above, at = Signal(2), Signal(2)
        m.d.sync += [
            valid.eq(self.sweeping | valid << 1),
            lasts.eq(last | lasts << 1),
            read_place.eq(place),
            read_ends.eq(ends),
            place_1.eq(read_place),
            ends_1.eq(read_ends),
            score_1.eq(score),
            mark_1.eq(mark),
            above_first.eq(score > first_score),
            at_first.eq(score == first_score),
            above.eq((score > select.threshold) | above << 1),
            at.eq((score == select.threshold) | at << 1),
            score_2.eq(score_1),
            whole.eq(self.header.sink_budget >= self.header.token_count),
            eligible.eq(
                whole | (number <= BUCKETS) | mark_1 | above_first | (at_first & (first_seen < first_ties))
            ),
        ]  # fmt: skip
        with m.If(sweep.over):
            m.d.sync += [first_seen.eq(0), seen.eq(0)]
        with m.If(valid[1] & at_first):
            m.d.sync += first_seen.eq(first_seen + 1)
        with m.If(valid[2] & eligible & at[1]):
            m.d.sync += seen.eq(seen + 1)
        with m.If(select.begin):
            m.d.sync += [first_score.eq(select.threshold), first_ties.eq(select.ties)]
        m.d.comb += [
            best.capacity.eq(self.header.sink_capacity),
            best.valid.eq(valid[1] & (number == BUCKETS)),
            best.place.eq(place_1),
            best.score.eq(score_1),
            best.ends.eq(ends_1),
            select.valid.eq(valid[2] & eligible),
            select.score.eq(score_2),
        ]
        m.d.sync += [
            self.o.valid.eq(valid[2] & (number == OUTPUT)),
            self.o.payload.selected.eq(eligible & (above[1] | (at[1] & (seen < select.ties)))),
            self.o.payload.last.eq(lasts[2]),
        ]
