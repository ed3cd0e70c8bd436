"""The scan of a job: head after head, its planes, its selection, its records."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.enum import Enum
from amaranth.lib.wiring import In, Out

from golden.kv.memory_map import scan_row_bytes
from golden.kv.spec import FIRST_PLANES, KEY_BITS, THRESHOLD_FRACTION
from hw.kv.config import Config
from hw.kv.digit_finder import DigitFinder
from hw.kv.layouts import SCORE_BITS, header_layout, scan_row_layout
from hw.kv.list_writer import ListWriter
from hw.kv.mass_budget import MassBudget
from hw.kv.plane_fetch import PlaneFetch
from hw.kv.plane_scores import PlaneScores
from hw.kv.record_fetch import RecordFetch
from hw.kv.score_sweep import ScoreSweep
from hw.kv.token_picker import PickedLayout, TokenPicker
from hw.lib.fork import StreamFork
from hw.lib.memory_port import ADDRESS_WIDTH, ReadSignature, WriteSignature
from hw.lib.row_reader import RowReader
from hw.lib.stream import connect, transfer

DIGIT = 8  # bits; a score has three digits, of which the highest is its bucket
DRAIN = 16  # cycles from the last plane or swept word to the last count
TOP_SCORE = 1 << SCORE_BITS


class Phase(Enum):
    """Passes over planes or scores, in order."""

    ENDS = 0  #: the words at the ends, for the references
    FIRST = 1  #: all words
    RECOUNT = 2  #: buckets of the scores that may be chosen, behind top-p
    BEST = 3  #: the words of the best so far, to the last plane
    MORE = 4  #: a plane more of words that may hold a better one
    MIDDLE = 5  #: the last selected score's middle digit
    LOWEST = 6  #: its lowest
    PICK = 7  #: the selected tokens


class ScanUnit(wiring.Component):
    """Equals `golden.kv.scan.select`, head after head: a list of the selected tokens, and their records.

    The words at both ends give the references. The first pass reads every word, and counts the
    scores' buckets. In exact mode the words of the best so far are read whole, and then plane by plane those
    that may hold a better token. Two sweeps, or one, find the last selected score below its bucket;
    the last one sends the selected tokens.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        spec = config.spec
        width = config.memory_width
        self.fetch = PlaneFetch(config=config)
        self.scores = PlaneScores(spec=spec)
        self.sweep = ScoreSweep(config=config)
        self.finder = DigitFinder(lanes=spec.plane_tokens, count_bits=spec.scan_tokens.bit_length())
        self.mass = MassBudget(count_bits=spec.scan_tokens.bit_length())
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
        spec = self.config.spec
        for name in ("fetch", "scores", "sweep", "finder", "mass", "picker", "list", "records"):
            m.submodules[name] = getattr(self, name)
        m.submodules.reader = reader = RowReader(width=self.config.memory_width, row_bytes=scan_row_bytes(spec))
        row = scan_row_layout(spec)(reader.o.payload[: scan_row_layout(spec).size])
        for outer, inner in (
            (self.rows, reader.memory), (self.planes, self.fetch.memory), (self.source, self.records.source),
            (self.lists, self.list.memory), (self.target, self.records.target),
        ):  # fmt: skip
            wiring.connect(m, wiring.flipped(outer), inner)
        count = self.finder.needed
        #: Still to be chosen among all, and below the digits found so far; all that are selected; all there are.
        self.count = {name: Signal.like(count, name=name) for name in ("needed", "left", "kept", "tokens")}
        self.step = {
            "ending": Signal(name="ending"),  # the words at the ends are read
            "fresh": Signal(name="fresh"),  # runs begin with the sign
            "counting": Signal(name="counting"),  # scores that arrive are counted
            "picking": Signal(name="picking"),  # the sweep goes to the picker
            "reading": Signal(name="reading"),  # the sweep goes to the plane fetch
            "everything": Signal(name="everything"),  # all tokens are selected
            "scanned": Signal(name="scanned"),  # scores of the selected tokens are known
        }
        self._datapath(m, row)
        self._control(m, row, reader)
        return m

    def _datapath(self, m: Module, row: Value) -> None:
        """Planes to scores, scores to sweep and finder, swept words to where the step wants them."""
        spec, step, header = self.config.spec, self.step, self.header
        fetch, scores, sweep, finder, picker = self.fetch, self.scores, self.sweep, self.finder, self.picker
        tokens = self.count["tokens"]
        connect(m, fetch.o, scores.i)
        self.asking = Signal()  # for words one after another
        self.next_word = Signal(range(spec.plane_words + 1))
        self.looked = Signal(range(KEY_BITS + 1))  # planes of the scores that a sweep looks for
        self.digit = Signal(2)  # that is counted of swept scores: 0 the lowest
        swept = sweep.o.payload
        m.d.comb += [
            fetch.planes_address.eq(row.planes_address),
            fetch.rest_address.eq(row.rest_address),
            fetch.i.payload.eq(Mux(step["reading"], swept.word, self.next_word)),
            fetch.i.valid.eq(self.asking | (step["reading"] & sweep.o.valid)),
            Value.cast(scores.row).eq(Value.cast(row)),
            scores.fresh.eq(step["fresh"]),
            sweep.write.valid.eq(scores.o.valid & ~step["ending"]),
            sweep.write.word.eq(scores.o.word),
            sweep.write.planes.eq(scores.planes),
            Value.cast(sweep.write.scores).eq(Value.cast(scores.o.scores)),
            sweep.tokens.eq(tokens),
            sweep.sink_tokens.eq(Mux(step["everything"], tokens, row.sink_tokens)),
            sweep.window_start.eq(row.window_start),
            sweep.planes.eq(self.looked),
            sweep.keeping.eq(step["picking"]),
            Value.cast(picker.i.payload).eq(Value.cast(swept)),
            picker.i.valid.eq(sweep.o.valid & step["picking"]),
            sweep.o.ready.eq(
                Mux(step["picking"], picker.i.ready, Mux(step["reading"], fetch.i.ready & ~self.asking, 1))
            ),
        ]
        # What is counted: the buckets of scores that arrive, or a digit of those that are swept. A register later.
        base = Signal(range(2 * spec.scan_tokens))
        arriving = Signal()
        m.d.comb += [base.eq(scores.o.word * spec.plane_tokens), arriving.eq(scores.o.valid & step["counting"])]
        swept_now = transfer(sweep.o) & ~step["picking"] & ~step["reading"]
        for k in range(spec.plane_tokens):
            token = Signal(range(2 * spec.scan_tokens), name=f"token_{k}")
            always = (token < row.sink_tokens) | (token >= row.window_start)
            wanted = (token < tokens) & (~always | self.all_counted(row))
            m.d.comb += token.eq(base + k)
            m.d.sync += [
                finder.add[k].eq((arriving & wanted) | (swept_now & swept.best[k])),
                finder.digits.lane[k].eq(
                    Mux(arriving, scores.o.scores[k][-DIGIT:], swept.scores[k].word_select(self.digit, DIGIT))
                ),
            ]
        m.submodules.fork = fork = StreamFork(shape=PickedLayout(spec), count=2)
        connect(m, picker.o, fork.i)
        connect(m, fork.o[0], self.list.i)
        connect(m, fork.o[1], self.records.i)
        m.d.comb += [
            self.list.address.eq(row.list_address),
            self.list.count.eq(self.count["kept"]),
            self.list.values_only.eq(self.records.values_only),
            self.records.record_address.eq(row.record_address),
            self.records.gather_address.eq(row.gather_address),
            self.records.values_only.eq((row.planes == KEY_BITS) & step["scanned"]),
            self.mass.counted.eq(finder.counted),
            self.mass.mass_code.eq(row.mass_code),
            self.mass.decay.eq(row.decay),
            finder.needed.eq(self.count["left"]),
            self.picked.eq(transfer(picker.o)),
            self.walking.eq(finder.busy),
            self.sweeping.eq(sweep.busy),
            tokens.eq(header.token_count),
        ]

    def all_counted(self, row: Value) -> Value:
        """In the first pass top-p weighs all tokens, those kept always too."""
        return (row.mass_code != 1 << THRESHOLD_FRACTION) & self.step["fresh"]

    def _control(self, m: Module, row: Value, reader: RowReader) -> None:
        """A pass sets its registers, waits in LAUNCH for what follows from them, and runs until it is quiet."""
        spec, step, count = self.config.spec, self.step, self.count
        fetch, scores, sweep, finder, mass = self.fetch, self.scores, self.sweep, self.finder, self.mass
        head = Signal(range(spec.heads + 1))
        place = Signal(ADDRESS_WIDTH)  # of the head's row
        last_word, end_word = Signal(range(spec.plane_words)), Signal(range(spec.plane_words))
        final = Signal(range(KEY_BITS + 1))  # planes of the scores that are selected by
        wait, quiet = Signal(range(4)), Signal(range(DRAIN + 1))
        phase = Signal(Phase)
        low, able = Signal(SCORE_BITS), Signal(SCORE_BITS)
        found = Signal(SCORE_BITS)  # digits of the last selected score, as far as they are known
        exact = row.planes == KEY_BITS
        self._able(m, row, found, able)
        m.d.comb += [
            self.busy.eq(1),
            reader.i.payload.eq(place),
            reader.o.ready.eq(1),
            last_word.eq(row.words - 1),
            sweep.low.eq(Mux(phase == Phase.MORE, able, low)),
            scores.tokens.eq(
                Mux(end_word == 0, Mux(row.words == 1, count["tokens"], spec.plane_tokens), self._last_tokens(m, row))
            ),
            self.picker.threshold.eq(found),
            self.picker.ties.eq(count["left"]),
            scores.planes.eq(fetch.first + fetch.count),
        ]
        m.d.sync += quiet.eq(Mux(self.asking | fetch.busy | sweep.busy, 0, quiet + (quiet != DRAIN)))
        with m.If(self.asking & fetch.i.ready):
            m.d.sync += [self.next_word.eq(self.next_word + 1), self.asking.eq(self.next_word != end_word)]

        def begin(which: Phase, **registers: Value | int) -> None:
            """Sets up a pass; flags that are not named are 0."""
            flags = {"ending": 0, "fresh": 0, "counting": 0, "picking": 0, "reading": 0}
            for name, value in {**flags, **{n: v for n, v in registers.items() if n in flags}}.items():
                m.d.sync += step[name].eq(value)
            named = {
                "first": fetch.first, "planes": fetch.count, "word": self.next_word, "end": end_word, "low": low,
                "high": sweep.high, "looked": self.looked, "digit": self.digit,
            }  # fmt: skip
            m.d.sync += [named[n].eq(v) for n, v in registers.items() if n not in flags]
            m.d.sync += [phase.eq(which), wait.eq(0)]
            m.next = "LAUNCH"

        def best() -> None:
            """Behind the first pass: the words of the best so far, or at once the rest of the last score."""
            bucket = Cat(Const(0, 2 * DIGIT), finder.digit)
            with m.If(exact):
                begin(Phase.BEST, counting=1, reading=1, first=FIRST_PLANES, planes=KEY_BITS - FIRST_PLANES,
                      low=bucket, high=TOP_SCORE, looked=FIRST_PLANES)  # fmt: skip
            with m.Else():
                fine(bucket)

        def fine(bucket: Value) -> None:
            begin(Phase.MIDDLE, low=bucket, high=bucket + (1 << 2 * DIGIT), looked=final, digit=1)

        def pick(lowest: Value | int) -> None:
            m.d.comb += [self.picker.begin.eq(1), self.list.begin.eq(1), self.records.begin.eq(1)]
            begin(Phase.PICK, picking=1, low=lowest, high=TOP_SCORE, looked=final)

        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += self.busy.eq(0)
                m.d.sync += [head.eq(0), place.eq(self.header.query_address)]
                with m.If(self.go):
                    m.next = "LOAD"
            with m.State("LOAD"):
                m.d.comb += reader.i.valid.eq(1)
                with m.If(reader.i.ready):
                    m.next = "ROW"
            with m.State("ROW"):
                with m.If(reader.o.valid):
                    m.next = "COUNT"
            with m.State("COUNT"):
                m.d.sync += [
                    count["needed"].eq(Mux(row.budget > row.always, row.budget - row.always, 0)),
                    count["left"].eq(count["tokens"] - row.always),
                    final.eq(row.planes),
                    step["everything"].eq(0),
                    step["scanned"].eq(1),
                ]
                m.next = "DECIDE"
            with m.State("DECIDE"):
                m.d.sync += [count["kept"].eq(row.always + count["needed"]), found.eq(TOP_SCORE - 1)]
                all_chosen = (count["needed"] == count["left"]) & (row.mass_code == 1 << THRESHOLD_FRACTION)
                m.next = "WIPE"
                with m.If((count["needed"] == 0) | all_chosen):
                    m.d.sync += [step["everything"].eq(count["needed"] != 0), step["scanned"].eq(0)]
                    m.next = "UNSCANNED"
            with m.State("UNSCANNED"):
                m.d.sync += count["left"].eq(0)
                m.next = "NONE"
            with m.State("NONE"):
                pick(TOP_SCORE - 1)
            with m.State("WIPE"):
                m.d.comb += [finder.walk.eq(1), finder.wipe.eq(1), scores.begin.eq(1)]
                m.next = "WIPING"
            with m.State("WIPING"):
                with m.If(~finder.busy):
                    begin(Phase.ENDS, ending=1, fresh=1, word=0, end=0, first=0,
                          planes=Mux(exact, FIRST_PLANES, row.planes))  # fmt: skip
            with m.State("LAUNCH"):
                m.d.sync += [wait.eq(wait + 1), quiet.eq(0)]
                with m.If(wait == 3):
                    with m.If(step["fresh"]):
                        m.d.sync += self.asking.eq(1)
                    with m.Else():
                        m.d.comb += sweep.go.eq(1)
                    m.next = "RUN"
            with m.State("RUN"):
                with m.If(phase == Phase.PICK):
                    idle = ~self.picker.busy & self.list.idle & self.records.idle & (quiet == DRAIN)
                    with m.If(idle):
                        m.d.sync += [head.eq(head + 1), place.eq(place + scan_row_bytes(spec))]
                        m.next = "LOAD"
                        with m.If(head == spec.heads - 1):
                            m.next = "IDLE"
                with m.Elif(quiet == DRAIN):
                    m.next = "TURN"
            with m.State("TURN"):
                m.d.sync += count["left"].eq(count["needed"])
                m.next = "WALK"
                with m.Switch(phase):
                    with m.Case(Phase.ENDS):
                        m.d.comb += scores.look.eq(1)
                        m.next = "LOOK"
                    with m.Case(Phase.FIRST):
                        with m.If(row.mass_code != 1 << THRESHOLD_FRACTION):
                            m.d.comb += [finder.walk.eq(1), finder.slow.eq(1), mass.total.eq(1)]
                            m.next = "TOTAL"
                        with m.Else():
                            m.d.comb += [finder.walk.eq(1), finder.wipe.eq(1)]
                    with m.Case(Phase.RECOUNT):
                        m.d.comb += [finder.walk.eq(1), finder.wipe.eq(1)]
                    with m.Case(Phase.BEST):
                        m.d.comb += finder.walk.eq(1)
                    with m.Case(Phase.MORE):
                        with m.If(self.looked == KEY_BITS - 1):
                            m.d.comb += [finder.walk.eq(1), finder.wipe.eq(1)]
                        with m.Else():
                            after = self.looked + 1
                            begin(Phase.MORE, counting=after == KEY_BITS - 1, reading=1, first=after, looked=after)
                    with m.Default():
                        m.d.comb += [finder.walk.eq(1), finder.wipe.eq(1)]
                        m.d.sync += count["left"].eq(count["left"])
            with m.State("LOOK"):
                with m.If(~scores.looking):
                    with m.If(end_word != last_word):
                        begin(Phase.ENDS, ending=1, fresh=1, word=last_word, end=last_word)
                    with m.Else():
                        begin(Phase.FIRST, counting=1, fresh=1, word=0, end=last_word)
            with m.State("TOTAL"):
                m.d.sync += wait.eq(Mux(finder.busy, 0, wait + 1))
                with m.If(wait == 3):
                    m.d.comb += mass.multiply.eq(1)
                    m.next = "SHARE"
            with m.State("SHARE"):
                m.next = "MULTIPLY"
            with m.State("MULTIPLY"):
                with m.If(~mass.multiplying):
                    m.d.comb += [finder.walk.eq(1), finder.slow.eq(1), finder.wipe.eq(1), mass.find.eq(1)]
                    m.next = "FIND"
            with m.State("FIND"):
                m.d.sync += wait.eq(Mux(finder.busy, 0, wait + 1))
                with m.If(wait == 3):
                    m.next = "BUDGET"
            with m.State("BUDGET"):
                more = Mux(mass.budget > row.always, mass.budget - row.always, 0)
                with m.If(more < count["needed"]):
                    m.d.sync += [count["needed"].eq(more), count["kept"].eq(row.always + more)]
                m.next = "RECOUNT"
            with m.State("RECOUNT"):
                begin(Phase.RECOUNT, low=0, high=TOP_SCORE, looked=scores.planes, digit=2)
                with m.If(count["needed"] == 0):
                    m.next = "UNSCANNED"
            with m.State("WALK"):
                with m.If(~finder.busy & ~finder.walk):
                    m.next = "FOUND"
            with m.State("FOUND"):
                m.d.sync += count["left"].eq(count["left"] - finder.above)
                bucket = Cat(Const(0, 2 * DIGIT), finder.digit)
                with m.Switch(phase):
                    with m.Case(Phase.FIRST, Phase.RECOUNT):
                        m.d.sync += found.eq(bucket)
                        best()
                    with m.Case(Phase.BEST):
                        m.d.sync += found.eq(bucket)
                        begin(Phase.MORE, counting=FIRST_PLANES == KEY_BITS - 1, reading=1, first=FIRST_PLANES,
                              planes=1, looked=FIRST_PLANES)  # fmt: skip
                    with m.Case(Phase.MORE):
                        m.d.sync += found.eq(bucket)
                        fine(bucket)
                    with m.Case(Phase.MIDDLE):
                        m.d.sync += found[DIGIT : 2 * DIGIT].eq(finder.digit)
                        middle = Cat(Const(0, DIGIT), finder.digit, found[2 * DIGIT :])
                        with m.If(row["shift"] > DIGIT):
                            begin(Phase.LOWEST, low=middle, high=middle + (1 << DIGIT), digit=0)
                        with m.Else():
                            m.next = "CHOSEN"
                    with m.Case(Phase.LOWEST):
                        m.d.sync += found[:DIGIT].eq(finder.digit)
                        m.next = "CHOSEN"
            with m.State("CHOSEN"):
                pick(found)

    def _able(self, m: Module, row: Value, found: Signal, able: Signal) -> None:
        """The lowest score of `looked` planes that may still belong to the bucket found, 3 cycles later."""
        unread = Signal(range(KEY_BITS + 1))
        slack = Signal(len(row.magnitude) + KEY_BITS)
        aligned = Signal(len(slack) + 16)
        m.d.sync += [
            slack.eq(((row.magnitude << unread) - row.magnitude + 1)[: len(slack)] >> 1),
            aligned.eq(slack << (16 - row["shift"])[:5]),
            able.eq(Mux(aligned < found, found - aligned, 0)),
        ]
        m.d.comb += unread.eq(KEY_BITS - self.looked)

    def _last_tokens(self, m: Module, row: Value) -> Signal:
        """Tokens of the last word."""
        last = Signal(range(self.config.spec.plane_tokens + 1))
        m.d.sync += last.eq(self.count["tokens"] - (row.words - 1) * self.config.spec.plane_tokens)
        return last
