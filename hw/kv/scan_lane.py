"""The scores of one token of a word, from its bit planes."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from golden.kv.spec import KEY_BITS, Spec
from hw.kv.layouts import SCORE_BITS
from hw.lib.memory import two_port_memory
from hw.lib.tree import add_all, max_all

CHANNELS = 8  # whose query codes are added in one cycle
SUMMED = 3  # cycles from a plane to the sum of its query codes


def row_scores(spec: Spec) -> data.StructLayout:
    """A score of every row, with the unread bits in the middle of their range."""
    return data.StructLayout({"row": data.ArrayLayout(signed(spec.score_bits + 1), spec.group)})


class ScanLane(wiring.Component):
    """Adds Σ query · bit plane by plane, the most significant first: sum = 2 · sum + plane, the sign's negative.

    Sums lie in the lane's memory from one run of planes to the next. Behind a run's last plane the
    sum becomes a score, `scored` cycles after that plane came, and the rows' scores less their
    references, the largest, the lane's `score`, after `latency` cycles. A word's runs must be at
    least 5 cycles apart. One plane a cycle; no multiplier.
    """

    scored = 6
    latency = 10

    def __init__(self, *, spec: Spec) -> None:
        self.spec = spec
        super().__init__(
            {
                "bits": In(spec.head_size),  #: a plane of the token's key
                "valid": In(1),  #: a plane is shown
                "first": In(1),  #: it is the first of its run
                "last": In(1),  #: it is the last of its run
                "word": In(range(spec.plane_words)),  #: whose the token is
                "fresh": In(1),  #: runs begin with the sign; holds still
                "unread": In(range(KEY_BITS)),  #: planes that a run leaves unread, 4 cycles after its last
                "queries": In(KEY_BITS * spec.group * spec.head_size),  #: codes, row by row; holds still
                "valid_rows": In(spec.group),  #: a bit a row that holds a query; holds still
                "middle": In(row_scores(spec)),  #: what the unread bits add, 5 cycles after a run's last plane
                "references": In(row_scores(spec)),  #: subtracted from a row's scores; holds still
                "shift": In(range(17)),  #: 2**shift scores make a bucket; holds still
                "scores": Out(row_scores(spec)),  #: `scored` cycles after a run's last plane
                "score": Out(SCORE_BITS),  #: joined and aligned, from 0 on, `latency` cycles after a run's last plane
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        spec = self.spec
        rows, wide = spec.group, spec.score_bits + 1
        write, read = two_port_memory(m, platform, "sums", width=rows * spec.score_bits, depth=spec.plane_words)
        flags = [Signal(3, name=f"flags_{k}") for k in range(SUMMED + 1)]  # valid, first, last
        words = [Signal.like(self.word, name=f"word_{k}") for k in range(SUMMED + 1)]
        m.d.sync += [flags[0].eq(Cat(self.valid, self.first, self.last)), words[0].eq(self.word)]
        m.d.sync += [flags[k + 1].eq(flags[k]) for k in range(SUMMED)]
        m.d.sync += [words[k + 1].eq(words[k]) for k in range(SUMMED)]
        before = flags[1]
        valid, first, _ = flags[2]
        m.d.comb += [
            read.addr.eq(words[1]),
            read.en.eq(before[0] & before[1] & ~self.fresh),
            write.addr.eq(words[3]),
            write.en.eq(flags[3][0] & flags[3][2]),
        ]
        planes = self._planes(m)
        sums = [Signal(signed(spec.score_bits), name=f"sum_{r}") for r in range(rows)]
        for r, (plane, total) in enumerate(zip(planes, sums, strict=True)):
            stored = read.data.word_select(r, spec.score_bits).as_signed()
            old = Mux(first, Mux(self.fresh, 0, stored), total)
            with m.If(valid):
                m.d.sync += total.eq((old << 1) + Mux(first & self.fresh, -plane, plane))
        m.d.comb += write.data.eq(Cat(sums))

        # Behind the sums: to the middle of the unread range, less the reference, the largest row, the aligned score.
        least = Signal(signed(wide + 1), init=-(1 << wide))
        joined = Signal(signed(wide + 1))
        placed = Signal(SCORE_BITS)
        ahead: list[Value] = []
        for r, total in enumerate(sums):
            shifted = Signal(signed(spec.score_bits), name=f"shifted_{r}")
            less = Signal(signed(wide + 1), name=f"less_{r}")
            m.d.sync += [
                shifted.eq(total << self.unread),
                self.scores.row[r].eq(shifted + self.middle.row[r]),
                less.eq(Mux(self.valid_rows[r], self.scores.row[r] - self.references.row[r], least)),
            ]
            ahead.append(less)
        m.d.sync += [
            joined.eq(max_all(ahead)),
            placed.eq((joined + (128 << self.shift))[:SCORE_BITS]),
            self.score.eq((placed << (16 - self.shift)[:5])[:SCORE_BITS]),
        ]
        return m

    def _planes(self, m: Module) -> list[Signal]:
        """Σ of the query codes of the channels whose bit is set, of every row, `SUMMED` cycles later."""
        spec = self.spec
        bits = Signal(spec.head_size, reset_less=True)
        m.d.sync += bits.eq(self.bits)
        planes: list[Signal] = []
        for r in range(spec.group):
            codes = self.queries.word_select(r, KEY_BITS * spec.head_size)
            parts: list[Signal] = []
            for start in range(0, spec.head_size, CHANNELS):
                part = Signal(signed(KEY_BITS + 3), name=f"part_{r}_{start}", reset_less=True)
                terms = [
                    Mux(bits[c], codes.word_select(c, KEY_BITS), 0).as_signed()
                    for c in range(start, min(start + CHANNELS, spec.head_size))
                ]
                m.d.sync += part.eq(add_all(terms))
                parts.append(part)
            plane = Signal(signed(spec.score_bits), name=f"plane_{r}", reset_less=True)
            m.d.sync += plane.eq(add_all(parts))
            planes.append(plane)
        return planes
