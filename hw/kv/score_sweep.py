"""Holds the joined scores of a scan, and looks through them a row at a time."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from golden.kv.spec import KEY_BITS
from hw.kv.config import Config
from hw.kv.layouts import SCORE_BITS, SweptLayout
from hw.lib.memory import two_port_memory
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
        written = {
            "valid": 1, "word": range(spec.plane_words), "planes": range(KEY_BITS + 1),
            "scores": data.ArrayLayout(SCORE_BITS, spec.plane_tokens),
        }  # fmt: skip
        super().__init__(
            {
                "write": In(data.StructLayout(written)),  #: a word's scores, and how many planes they are of
                "go": In(1),  #: begin a sweep
                "tokens": In(tokens),  #: of the job, 1 or more; holds still
                "sink_tokens": In(tokens),  #: tokens below it are kept always; holds still
                "window_start": In(tokens),  #: tokens from it on are kept always; holds still
                "low": In(SCORE_BITS),  #: of the scores looked for; holds still while busy
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
        row, read_row = Signal(range(rows)), Signal(range(rows))
        base, read_base = Signal(range(spec.scan_tokens + count * size)), Signal(range(spec.scan_tokens + count * size))
        reading, read = Signal(), Signal()
        pending = Signal(count)
        sent = Signal(count)
        best = [Signal(size, name=f"best_{k}") for k in range(count)]
        always = [Signal(size, name=f"always_{k}") for k in range(count)]
        held = [Signal(scores_bits, name=f"held_{k}") for k in range(count)]
        held_row = Signal(range(rows))
        first = pending & (~pending + 1)[:count]  # the lowest that is pending
        m.d.comb += [
            sent.eq(Mux(transfer(self.o), first, 0)),
            move.eq((pending & ~sent) == 0),
            self.busy.eq(reading | read | pending.any()),
        ]
        with m.If(self.go):
            m.d.sync += [reading.eq(1), row.eq(0), base.eq(0)]
        with m.Elif(move & reading):
            m.d.sync += [row.eq(row + 1), base.eq(base + count * size), reading.eq(base + count * size < self.tokens)]
        with m.If(move):
            m.d.sync += [read.eq(reading), read_row.eq(row), read_base.eq(base), held_row.eq(read_row)]
        for k, (_, port) in enumerate(ports):
            m.d.comb += [port.addr.eq(row), port.en.eq(move & reading)]
            found, kept = self._look(m, port.data, read_base + k * size, k)
            with m.If(move):
                m.d.sync += [best[k].eq(found), always[k].eq(kept), held[k].eq(port.data)]
                m.d.sync += pending[k].eq(read & (found | kept).any())
            with m.Else():
                m.d.sync += pending[k].eq(pending[k] & ~sent[k])
        out = self.o.payload
        m.d.comb += self.o.valid.eq(pending.any())
        for k in reversed(range(count)):
            with m.If(first[k]):
                m.d.comb += [
                    out.word.eq((held_row << bits) + k),
                    out.best.eq(best[k]),
                    out.always.eq(always[k]),
                    Value.cast(out.scores).eq(held[k]),
                ]
        return m

    def _look(self, m: Module, word: Value, base: Value, number: int) -> tuple[Value, Value]:
        """Which tokens of a word may be chosen and are within the limits, and which are kept always."""
        size = self.config.spec.plane_tokens
        planes = word[SCORE_BITS * size :]
        best, kept = Signal(size, name=f"found_{number}"), Signal(size, name=f"kept_{number}")
        for k in range(size):
            token = Signal(range(2 * self.config.spec.scan_tokens), name=f"token_{number}_{k}")
            score = word.word_select(k, SCORE_BITS)
            always = (token < self.sink_tokens) | (token >= self.window_start)
            exists = token < self.tokens
            m.d.comb += [
                token.eq(base + k),
                kept[k].eq(self.keeping & exists & always),
                best[k].eq(exists & ~always & (score >= self.low) & (score < self.high) & (planes == self.planes)),
            ]
        return best, kept
