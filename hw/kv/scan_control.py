"""The order of a scan's passes over planes and scores, head after head."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.enum import Enum
from amaranth.lib.wiring import In, Out

from golden.kv.memory_map import scan_row_bytes
from golden.kv.spec import FIRST_PLANES, KEY_BITS, THRESHOLD_FRACTION, Spec
from hw.kv.layouts import DIGIT_BITS, SCORE_BITS, scan_row_layout
from hw.kv.reach_limits import ReachLimits
from hw.lib.memory_port import ADDRESS_WIDTH

DRAIN, SWEPT = 16, 6  # cycles in which nothing moves, from the last plane, or the last swept word, to the last count
SETTLE = 4  # cycles from the registers of a pass to all that follows from them, but for the limits
TOP_SCORE = 1 << SCORE_BITS
ALL_MASS = 1 << THRESHOLD_FRACTION


class Phase(Enum):
    """Passes over planes or scores, in order."""

    FIRST = 0  #: all words, behind those at the ends, for the references
    RECOUNT = 1  #: buckets of the scores that may be chosen, behind top-p
    BEST = 2  #: the words of the best so far, to the last plane
    MORE = 3  #: plane by plane, the words that may hold a better one
    MIDDLE = 4  #: the last selected score's middle digit
    LOWEST = 5  #: its lowest
    PICK = 6  #: the selected tokens


class ScanControl(wiring.Component):
    """The first pass reads every word, and counts the scores' buckets. In exact mode the words of the best so far are
    read whole, and then those that may hold a better token on, as long as they may. Two sweeps, or one, find the last
    selected score below its bucket; the last one sends the selected tokens. The records of a head may still be
    under way when the next head's planes are read.

    A pass sets its registers, waits in LAUNCH for what follows from them, and runs until nothing has moved for so many
    cycles that all is counted.
    """

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        tokens = range(spec.scan_tokens + 1)
        score = SCORE_BITS
        super().__init__(
            {
                "go": In(1),  #: begin, with a valid header
                "rows_address": In(ADDRESS_WIDTH),  #: of the first head's row; holds still
                "tokens": In(tokens),  #: of the job, 1 or more; holds still
                "busy": Out(1),  #: until the last record and list have left
                "row_address": Out(ADDRESS_WIDTH),  #: of the row to read
                "row_wanted": Out(1),  #: read it
                "row_taken": In(1),  #: it will be read
                "row_there": In(1),  #: it has been read
                "row": In(scan_row_layout(spec)),  #: the head's; holds still until the next is read
                "phase": Out(Phase),  #: the pass
                "first_words": Out(1),  #: begin to ask for the words of the first pass
                "begin": Out(1),  #: forget the references
                "fresh": Out(1),  #: runs begin with the sign
                "first": Out(range(KEY_BITS)),  #: plane that swept words are read from
                "count": Out(range(KEY_BITS + 1)),  #: planes that are read of a word
                "reading": Out(1),  #: swept words are read on
                "refining": Out(1),  #: and come back as long as they may matter
                "sweep": Out(1),  #: begin to look through the scores
                "low": Out(score),  #: of the scores looked for; if `refining` it is the limit of `FIRST_PLANES`
                "high": Out(score + 1),  #: their end
                "looked": Out(range(KEY_BITS + 1)),  #: planes that they are of
                "digit": Out(2),  #: of them that is counted, 0 the lowest
                "walk": Out(1),  #: begin to walk the counts
                "wipe": Out(1),  #: with `walk`: they are 0 behind it
                "walking": In(1),  #: counts are walked
                "found": In(DIGIT_BITS),  #: by the last walk: the digit sought
                "above": In(tokens),  #: by the last walk: how many have a higher one
                "left": Out(tokens),  #: to be chosen of the scores counted
                "search": Out(1),  #: begin to find how many tokens top-p needs
                "searching": In(1),  #: this is being found
                "mass_tokens": In(tokens),  #: so many
                "picking": Out(1),  #: swept words go to the picker
                "pick": Out(1),  #: a selection begins
                "everything": Out(1),  #: all tokens are selected
                "scanned": Out(1),  #: scores of the selected tokens are known
                "kept": Out(tokens),  #: selected, those kept always among them
                "threshold": Out(score),  #: the last selected score
                "moving": In(1),  #: words are asked for, under way, or swept
                "picked": In(1),  #: no swept word waits to be picked from
                "written": In(1),  #: lists and records have left
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        row = self.row
        self.needed = Signal.like(self.left)  # tokens to be chosen beside those kept always
        self.wait = Signal(range(ReachLimits.latency))
        quiet = Signal(range(DRAIN + 1))  # cycles in which nothing moved
        self.drained, self.exact, self.all_mass = Signal(), Signal(), Signal()
        self.bucket = Cat(Const(0, 2 * DIGIT_BITS), self.found)
        m.d.comb += [
            self.busy.eq(1),
            self.drained.eq(quiet >= Mux(self.fresh | self.reading, DRAIN, SWEPT)),
            self.exact.eq(row.planes == KEY_BITS),
            self.all_mass.eq(row.mass_code == ALL_MASS),
        ]
        m.d.sync += quiet.eq(Mux(self.moving | self.first_words | self.sweep, 0, quiet + (quiet != DRAIN)))
        with m.FSM():
            self._load(m)
            self._run(m)
            self._turn(m)
            self._settle(m)
        return m

    def _launch(self, m: Module, phase: Phase, **registers: Value | int) -> None:
        """Sets up a pass; flags that are not named are 0."""
        for flag in ("fresh", "reading", "refining", "picking"):
            m.d.sync += getattr(self, flag).eq(registers.pop(flag, 0))
        m.d.sync += [
            *(getattr(self, name).eq(value) for name, value in registers.items()),
            self.phase.eq(phase),
            self.wait.eq(0),
        ]
        m.next = "LAUNCH"

    def _walk(self, m: Module, *, wipe: int) -> None:
        m.d.comb += [self.walk.eq(1), self.wipe.eq(wipe)]
        m.next = "WALK"

    def _load(self, m: Module) -> None:
        """A head's row, and whether there is anything to choose."""
        row, spec = self.row, self.spec
        head = Signal(range(spec.heads))
        with m.State("IDLE"):
            m.d.comb += self.busy.eq(0)
            m.d.sync += [head.eq(0), self.row_address.eq(self.rows_address)]
            with m.If(self.go):
                m.d.comb += [self.walk.eq(1), self.wipe.eq(1)]
                m.next = "LOAD"
        with m.State("LOAD"):
            m.d.comb += self.row_wanted.eq(1)
            with m.If(self.row_taken):
                m.next = "ROW"
        with m.State("ROW"):
            with m.If(self.row_there):
                m.next = "COUNT"
        with m.State("COUNT"):
            m.d.sync += [
                self.needed.eq(Mux(row.budget > row.always, row.budget - row.always, 0)),
                self.left.eq(self.tokens - row.always),
                self.everything.eq(0),
                self.scanned.eq(1),
            ]
            m.next = "DECIDE"
        with m.State("DECIDE"):
            m.d.sync += [self.kept.eq(row.always + self.needed), self.threshold.eq(TOP_SCORE - 1)]
            m.next = "WIPED"
            with m.If((self.needed == 0) | ((self.needed == self.left) & self.all_mass)):
                m.d.sync += [self.everything.eq(self.needed != 0), self.scanned.eq(0)]
                m.next = "UNSCANNED"
        with m.State("UNSCANNED"):
            m.d.sync += self.left.eq(0)
            m.next = "CHOSEN"
        with m.State("WIPED"):  # a job's first head waits here for counts of 0
            m.d.comb += self.begin.eq(1)
            with m.If(~self.walking):
                self._launch(m, Phase.FIRST, fresh=1, first=0, count=Mux(self.exact, FIRST_PLANES, row.planes))
        with m.State("NEXT"):
            m.d.sync += [head.eq(head + 1), self.row_address.eq(self.row_address + scan_row_bytes(spec))]
            m.next = "LOAD"
            with m.If(head == spec.heads - 1):
                m.next = "LAST"
        with m.State("LAST"):
            with m.If(self.written):
                m.next = "IDLE"

    def _run(self, m: Module) -> None:
        """A pass."""
        with m.State("LAUNCH"):
            m.d.sync += self.wait.eq(self.wait + 1)
            with m.If(self.wait == Mux(self.refining, ReachLimits.latency, SETTLE) - 1):
                with m.If(self.fresh):
                    m.d.comb += self.first_words.eq(1)
                with m.Else():
                    m.d.comb += self.sweep.eq(1)
                m.next = "RUN"
        with m.State("RUN"):
            with m.If(self.phase == Phase.PICK):
                with m.If(~self.moving & self.picked):
                    m.next = "NEXT"
            with m.Elif(self.drained):
                m.next = "TURN"

    def _turn(self, m: Module) -> None:
        """Behind a pass: walks of what it counted."""
        row = self.row
        with m.State("TURN"):
            with m.Switch(self.phase):
                with m.Case(Phase.FIRST):
                    m.d.sync += self.left.eq(self.needed)
                    with m.If(self.all_mass):
                        self._walk(m, wipe=1)
                    with m.Else():
                        m.d.comb += self.search.eq(1)
                        m.next = "SEARCH"
                with m.Case(Phase.BEST):
                    m.d.sync += self.left.eq(self.needed)
                    self._walk(m, wipe=0)
                with m.Case(Phase.RECOUNT, Phase.MORE):
                    m.d.sync += self.left.eq(self.needed)
                    self._walk(m, wipe=1)
                with m.Default():
                    self._walk(m, wipe=1)
        with m.State("SEARCH"):
            with m.If(~self.searching):
                m.next = "BUDGET"
        with m.State("BUDGET"):
            more = Mux(self.mass_tokens > row.always, self.mass_tokens - row.always, 0)
            with m.If(more < self.needed):
                m.d.sync += [self.needed.eq(more), self.kept.eq(row.always + more)]
            m.next = "RECOUNT"
        with m.State("RECOUNT"):
            self._launch(m, Phase.RECOUNT, low=0, high=TOP_SCORE, looked=self.count, digit=2)
            with m.If(self.needed == 0):
                m.next = "UNSCANNED"

    def _settle(self, m: Module) -> None:
        """Behind a walk: the digit that it found, and the next pass."""
        found, bucket, row = self.threshold, self.bucket, self.row
        with m.State("WALK"):
            with m.If(~self.walking):
                m.next = "FOUND"
        with m.State("FOUND"):
            m.d.sync += self.left.eq(self.left - self.above)
            with m.Switch(self.phase):
                with m.Case(Phase.FIRST, Phase.RECOUNT):
                    m.d.sync += found.eq(bucket)
                    with m.If(self.exact):
                        self._launch(m, Phase.BEST, reading=1, first=FIRST_PLANES, count=KEY_BITS - FIRST_PLANES,
                                     low=bucket, high=TOP_SCORE, looked=FIRST_PLANES)  # fmt: skip
                    with m.Else():
                        self._middle(m)
                with m.Case(Phase.BEST):
                    m.d.sync += found.eq(bucket)
                    self._launch(m, Phase.MORE, reading=1, refining=1, first=FIRST_PLANES, count=1)
                with m.Case(Phase.MORE):
                    m.d.sync += found.eq(bucket)
                    self._middle(m)
                with m.Case(Phase.MIDDLE):
                    m.d.sync += found[DIGIT_BITS : 2 * DIGIT_BITS].eq(self.found)
                    middle = Cat(Const(0, DIGIT_BITS), self.found, found[2 * DIGIT_BITS :])
                    with m.If(row["shift"] > DIGIT_BITS):
                        self._launch(m, Phase.LOWEST, low=middle, high=middle + (1 << DIGIT_BITS), digit=0)
                    with m.Else():
                        m.next = "CHOSEN"
                with m.Case(Phase.LOWEST):
                    m.d.sync += found[:DIGIT_BITS].eq(self.found)
                    m.next = "CHOSEN"
        with m.State("CHOSEN"):
            with m.If(self.written):  # the list and the records of the head before
                m.d.comb += self.pick.eq(1)
                self._launch(m, Phase.PICK, picking=1, low=found, high=TOP_SCORE, looked=row.planes)

    def _middle(self, m: Module) -> None:
        self._launch(m, Phase.MIDDLE, low=self.bucket, high=self.bucket + (1 << 2 * DIGIT_BITS),
                     looked=self.row.planes, digit=1)  # fmt: skip
