"""The scan of a job: head after head, its planes, its selection, its records."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module, Mux, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.kv.memory_map import scan_row_bytes
from golden.kv.spec import KEY_BITS, THRESHOLD_FRACTION
from hw.kv.config import Config
from hw.kv.digit_feed import DigitFeed
from hw.kv.digit_finder import DigitFinder
from hw.kv.first_words import FirstWords
from hw.kv.layouts import DIGIT_BITS, header_layout, scan_row_layout
from hw.kv.list_writer import ListWriter
from hw.kv.mass_search import MassSearch
from hw.kv.plane_fetch import PlaneFetch
from hw.kv.plane_scores import PlaneScores
from hw.kv.reach_limits import ReachLimits
from hw.kv.record_fetch import RecordFetch
from hw.kv.refiner import Refiner
from hw.kv.scan_control import ScanControl
from hw.kv.score_sweep import ScoreSweep
from hw.kv.token_picker import PickedLayout, TokenPicker
from hw.lib.fork import StreamFork
from hw.lib.memory_port import ReadSignature, WriteSignature
from hw.lib.row_reader import RowReader
from hw.lib.stream import connect, transfer


class ScanUnit(wiring.Component):
    """Equals `golden.kv.scan.select`, head after head: a list of the selected tokens, and their records.

    Planes become scores; scores are kept, counted as they come, and swept, to be read on, counted, or picked from.
    `ScanControl` has the order of it.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        spec, width = config.spec, config.memory_width
        count_bits = spec.scan_tokens.bit_length()
        row = scan_row_layout(spec)
        self.control = ScanControl(spec=spec)
        self.first_words = FirstWords(spec=spec)
        self.fetch = PlaneFetch(config=config)
        self.scores = PlaneScores(spec=spec)
        self.limits = ReachLimits(magnitude_bits=row["magnitude"].width)
        self.refiner = Refiner(spec=spec)
        self.sweep = ScoreSweep(config=config)
        self.feed = DigitFeed(spec=spec)
        self.finder = DigitFinder(lanes=spec.plane_tokens, count_bits=count_bits, digit_bits=DIGIT_BITS)
        self.mass = MassSearch(count_bits=count_bits)
        self.picker = TokenPicker(spec=spec)
        self.list = ListWriter(config=config)
        self.records = RecordFetch(config=config)
        super().__init__(
            {
                "go": In(1),  #: begin, with a valid header
                "header": In(header_layout()),  #: the job's
                "busy": Out(1),  #: until the last record and list have left
                "picked": Out(1),  #: a token is selected in this cycle
                "walking": Out(1),  #: counts of digits are walked
                "sweeping": Out(1),  #: scores are looked through
                "rows": Out(ReadSignature(width)),  #: reads the scan rows
                "planes": Out(ReadSignature(width)),  #: reads the bit planes
                "source": Out(ReadSignature(width)),  #: reads the records of selected tokens
                "lists": Out(WriteSignature(width)),  #: writes the lists
                "target": Out(WriteSignature(width)),  #: writes the records
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        for name in (
            "control", "first_words", "fetch", "scores", "limits", "refiner", "sweep", "feed", "finder", "mass",
            "picker", "list", "records",
        ):  # fmt: skip
            m.submodules[name] = getattr(self, name)
        row = self._rows(m)
        self._planes(m, row)
        self._sweep(m, row)
        self._count(m, row)
        self._write(m, row)
        return m

    def _rows(self, m: Module) -> data.View:
        """The rows of the heads, one after another. Returns the one that is worked on."""
        spec, control = self.config.spec, self.control
        m.submodules.reader = reader = RowReader(width=self.config.memory_width, row_bytes=scan_row_bytes(spec))
        wiring.connect(m, wiring.flipped(self.rows), reader.memory)
        row = scan_row_layout(spec)(reader.o.payload[: scan_row_layout(spec).size])
        m.d.comb += [
            reader.i.payload.eq(control.row_address),
            reader.i.valid.eq(control.row_wanted),
            reader.o.ready.eq(1),
            control.row_taken.eq(reader.i.ready),
            control.row_there.eq(reader.o.valid),
            control.go.eq(self.go),
            control.rows_address.eq(self.header.query_address),
            control.tokens.eq(self.header.token_count),
            self.busy.eq(control.busy),
            Value.cast(control.row).eq(Value.cast(row)),
            Value.cast(self.scores.row).eq(Value.cast(row)),
        ]
        return row

    def _planes(self, m: Module, row: data.View) -> None:
        """Words of tokens that are wanted, their planes, their scores. Asked for are all, swept ones, or those that the
        refiner gives back; as swept ones go first, the others come while more are under way."""
        control, fetch, scores = self.control, self.fetch, self.scores
        first, again, swept = self.first_words.o, self.refiner.o, self.sweep.o
        wiring.connect(m, wiring.flipped(self.planes), fetch.memory)
        connect(m, fetch.o, scores.i)
        reading = control.reading & swept.valid
        request = fetch.i.payload
        m.d.comb += [
            self.first_words.go.eq(control.first_words),
            self.first_words.last_word.eq(row.words - 1),
            fetch.planes_address.eq(row.planes_address),
            fetch.rest_address.eq(row.rest_address),
            fetch.count.eq(control.count),
            fetch.i.valid.eq(first.valid | reading | again.valid),
            Value.cast(request).eq(Mux(first.valid, first.payload.as_value(), again.payload.as_value())),
            first.ready.eq(fetch.i.ready),
            again.ready.eq(fetch.i.ready & ~first.valid & ~reading),
            scores.tokens.eq(control.tokens),
            scores.fresh.eq(control.fresh),
            scores.begin.eq(control.begin),
            self.limits.magnitude.eq(row.magnitude),
            self.limits.shift.eq(row["shift"]),
            self.limits.found.eq(control.threshold),
            self.refiner.limits.eq(self.limits.o),
            self.refiner.enable.eq(control.refining),
            self.refiner.i.eq(scores.o),
        ]
        with m.If(reading):
            m.d.comb += [request.word.eq(swept.payload.word), request.first.eq(control.first), request.end.eq(0)]

    def _sweep(self, m: Module, row: data.View) -> None:
        """Scores into their memory, and swept words where the pass wants them."""
        control, scores, sweep = self.control, self.scores, self.sweep
        m.d.comb += [
            sweep.write.eq(scores.o),
            sweep.go.eq(control.sweep),
            sweep.tokens.eq(control.tokens),
            sweep.sink_tokens.eq(Mux(control.everything, control.tokens, row.sink_tokens)),
            sweep.window_start.eq(row.window_start),
            sweep.low.eq(Mux(control.refining, self.limits.o.of[0], control.low)),
            sweep.high.eq(control.high),
            sweep.planes.eq(control.looked),
            sweep.keeping.eq(control.picking),
            sweep.o.ready.eq(Mux(control.picking, self.picker.i.ready, Mux(control.reading, self.fetch.i.ready, 1))),
            Value.cast(self.picker.i.payload).eq(Value.cast(sweep.o.payload)),
            self.picker.i.valid.eq(sweep.o.valid & control.picking),
            control.moving.eq(self.first_words.busy | self.fetch.busy | sweep.busy | self.refiner.busy),
        ]

    def _count(self, m: Module, row: data.View) -> None:
        """Digits of scores into the counts, and walks through these."""
        control, feed, finder, mass = self.control, self.feed, self.finder, self.mass
        swept = self.sweep.o
        m.d.comb += [
            feed.scored.eq(self.scores.o),
            feed.fresh.eq(control.fresh),
            feed.weighed.eq(row.mass_code != 1 << THRESHOLD_FRACTION),
            feed.swept_valid.eq(transfer(swept) & ~control.picking & ~control.reading),
            Value.cast(feed.swept).eq(Value.cast(swept.payload)),
            feed.digit.eq(control.digit),
            finder.add.eq(feed.add),
            Value.cast(finder.digits).eq(Value.cast(feed.digits)),
            finder.walk.eq(control.walk | mass.walk),
            finder.wipe.eq(control.wipe | mass.wipe),
            finder.slow.eq(mass.walk),
            finder.needed.eq(control.left),
            mass.go.eq(control.search),
            mass.mass_code.eq(row.mass_code),
            mass.decay.eq(row.decay),
            mass.walking.eq(finder.busy),
            mass.counted.eq(finder.counted),
            control.walking.eq(finder.busy),
            control.found.eq(finder.digit),
            control.above.eq(finder.above),
            control.searching.eq(mass.busy),
            control.mass_tokens.eq(mass.budget),
            self.walking.eq(finder.busy),
            self.sweeping.eq(self.sweep.busy),
        ]

    def _write(self, m: Module, row: data.View) -> None:
        """The selected tokens, their list and their records."""
        control, picker, records = self.control, self.picker, self.records
        wiring.connect(m, wiring.flipped(self.source), records.source)
        wiring.connect(m, wiring.flipped(self.lists), self.list.memory)
        wiring.connect(m, wiring.flipped(self.target), records.target)
        m.submodules.fork = fork = StreamFork(shape=PickedLayout(self.config.spec), count=2)
        connect(m, picker.o, fork.i)
        connect(m, fork.o[0], self.list.i)
        connect(m, fork.o[1], records.i)
        values_only = (row.planes == KEY_BITS) & control.scanned
        m.d.comb += [
            picker.begin.eq(control.pick),
            picker.threshold.eq(control.threshold),
            picker.ties.eq(control.left),
            self.list.begin.eq(control.pick),
            self.list.address.eq(row.list_address),
            self.list.count.eq(control.kept),
            self.list.values_only.eq(values_only),
            records.begin.eq(control.pick),
            records.record_address.eq(row.record_address),
            records.gather_address.eq(row.gather_address),
            records.values_only.eq(values_only),
            control.picked.eq(~picker.busy),
            control.written.eq(self.list.idle & records.idle),
            self.picked.eq(transfer(picker.o)),
        ]
