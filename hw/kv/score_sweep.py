"""Holds the joined scores of a scan, and looks through them a row at a time."""

from __future__ import annotations

from itertools import pairwise

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.kv.spec import KEY_BITS
from hw.kv.config import Config
from hw.kv.layouts import SCORE_BITS, ScoredLayout, SweptLayout
from hw.lib.memory import two_port_memory
from hw.lib.one_hot import lowest
from hw.lib.stream import transfer


class ScoreSweep(wiring.Component):
    """A sweep finds the words of tokens that hold a token whose score is in low..high - 1, or that is kept always.

    It reads `sweep_words` words of tokens a cycle, and sends one that it finds a cycle. A word may be written while
    a sweep is under way once it has been sent.
    """

    def __init__(self, *, config: Config) -> None:
        self.config = config
        spec = config.spec
        tokens = range(spec.scan_tokens + 1)
        super().__init__(
            {
                "write": In(ScoredLayout(spec)),  #: a word's scores, and how many planes they are of
                "go": In(1),  #: begin a sweep
                "tokens": In(tokens),  #: of the job, 1 or more; holds still
                "sink_tokens": In(tokens),  #: tokens below it are kept always; holds still
                "window_start": In(tokens),  #: tokens from it on are kept always; holds still
                "low": In(SCORE_BITS),  #: of the scores looked for; holds still from `go` on while busy
                "high": In(SCORE_BITS + 1),  #: their end; holds still while busy
                "planes": In(range(KEY_BITS + 1)),  #: a score must be of so many; holds still while busy
                "keeping": In(1),  #: tokens that are kept always are looked for too; holds still while busy
                "o": Out(stream.Signature(SweptLayout(spec))),  #: words of tokens, in order
                "busy": Out(1),  #: a sweep is under way
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec, count = self.config.spec, self.config.sweep_words
        size = spec.plane_tokens
        scores_bits = SCORE_BITS * size
        rows = -(-spec.plane_words // count)
        bits = (count - 1).bit_length()
        ports = [
            two_port_memory(m, platform, f"scores_{k}", width=scores_bits + KEY_BITS, depth=rows) for k in range(count)
        ]
        for k, (write, _) in enumerate(ports):
            m.d.comb += [
                write.addr.eq(self.write.word >> bits),
                write.data.eq(Cat(Value.cast(self.write.scores), self.write.planes)),
                write.en.eq(self.write.valid & (self.write.word[:bits] == k)),
            ]
        move = Signal()
        row = [Signal(range(rows), name=f"row_{k}") for k in range(3)]  # that is read, arrives, is looked at
        base, arriving = (Signal(range(spec.scan_tokens + count * size), name=name) for name in ("base", "arriving"))
        reading, read, looked = Signal(), Signal(), Signal()
        pending, sent = Signal(count), Signal(count)
        low, high = Signal.like(self.low), Signal.like(self.high)
        held: list[Signal] = []
        first = lowest(pending)
        m.d.comb += [
            sent.eq(Mux(transfer(self.o), first, 0)),
            move.eq((pending & ~sent) == 0),
            self.busy.eq(reading | read | looked | pending.any()),
        ]
        m.d.sync += [low.eq(self.low), high.eq(self.high)]
        with m.If(self.go):
            m.d.sync += [reading.eq(1), row[0].eq(0), base.eq(0)]
        with m.Elif(move & reading):
            after = base + count * size
            m.d.sync += [row[0].eq(row[0] + 1), base.eq(after), reading.eq(after < self.tokens)]
        with m.If(move):
            m.d.sync += [read.eq(reading), arriving.eq(base), looked.eq(read)]
            m.d.sync += [after.eq(before) for before, after in pairwise(row)]
        for k, (_, port) in enumerate(ports):
            m.d.comb += [port.addr.eq(row[0]), port.en.eq(move & reading)]
            word = Signal(scores_bits + KEY_BITS, name=f"word_{k}")
            there, kept = self._marks(m, arriving + k * size, move, k)
            limits = [
                (score >= low) & (score < high)
                for score in (word.word_select(t, SCORE_BITS) for t in range(size))
            ]  # fmt: skip
            found = Signal(size, name=f"found_{k}")
            m.d.comb += found.eq(Mux(word[scores_bits:] == self.planes, Cat(limits) & there & ~kept, 0))
            shown = Signal(SweptLayout(spec), name=f"shown_{k}")
            keeping = kept & self.keeping.replicate(size)
            with m.If(move):
                m.d.sync += [
                    word.eq(port.data),
                    shown.word.eq((row[2] << bits) + k),
                    shown.best.eq(found),
                    shown.always.eq(keeping),
                    Value.cast(shown.scores).eq(word[:scores_bits]),
                    pending[k].eq(looked & (found | keeping).any()),
                ]
            with m.Else():
                m.d.sync += pending[k].eq(pending[k] & ~sent[k])
            held.append(shown)
        m.d.comb += self.o.valid.eq(pending.any())
        for k in reversed(range(count)):
            with m.If(first[k]):
                m.d.comb += Value.cast(self.o.payload).eq(Value.cast(held[k]))
        return m

    def _marks(self, m: Module, base: Value, move: Value, number: int) -> tuple[Signal, Signal]:
        """Which tokens of a word that arrives there are, and which of them are kept always: while it is looked at."""
        size = self.config.spec.plane_tokens
        there, kept = Signal(size, name=f"there_{number}"), Signal(size, name=f"kept_{number}")
        for k in range(size):
            token = Signal(range(2 * self.config.spec.scan_tokens), name=f"token_{number}_{k}")
            exists = token < self.tokens
            m.d.comb += token.eq(base + k)
            with m.If(move):
                m.d.sync += [
                    there[k].eq(exists),
                    kept[k].eq(exists & ((token < self.sink_tokens) | (token >= self.window_start))),
                ]
        return there, kept
