"""KV retrieval: a memory whose ports never meet; a scan selects exactly as many tokens as it says, each once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from amaranth.hdl import Assert, Assume, Module, Mux, Signal, Value

from golden.kv.spec import TINY
from hw.kv.bucket_memory import BucketMemory
from hw.kv.digit_finder import DigitFinder
from hw.kv.token_picker import TokenPicker
from hw.lib.stream import transfer
from hw.lib.tree import add_all
from tests.formal.spec import establish


def test_bucket_memory(tmp_path: Path) -> None:
    """Its memory's ports never meet, whatever is added and read: what is being written comes from a register."""
    spec = replace(TINY, buckets=8, clusters=16, tokens=64)

    def properties(m: Module, dut: BucketMemory) -> Value:
        before = Signal(8)
        m.d.sync += before.eq(before << 1 | dut.add.valid)
        return before[:3].all() & (dut.o["count"] == 2)

    establish(lambda: BucketMemory(spec=spec), properties, tmp_path)


@pytest.mark.slow
def test_a_digit_of_the_kth_best(tmp_path: Path) -> None:
    """Whatever scores came: fewer than k have a higher digit than the one found, and k or more have it or a higher one.

    So with the digits found one after another, above + ties = k, and at least `ties` scores equal the threshold.
    """
    lanes, bits, width = 2, 1, 3

    def properties(m: Module, dut: DigitFinder) -> Value:
        phase = Signal(3)  # to wipe, wiping, adding, quiet, walking, over
        quiet = Signal(2)
        needed = Signal(width)
        counts = [Signal(width + 1, name=f"count_{k}") for k in range(1 << bits)]
        total = Signal(width + 1)
        arriving = add_all(list(dut.add))
        m.d.comb += [
            total.eq(add_all(counts)),
            Assume(dut.walk == ((phase == 0) | ((phase == 3) & (quiet == 3)))),
            Assume(dut.wipe == (phase == 0)),
            Assume(~dut.slow),
            Assume((dut.add == 0) | ((phase == 2) & (total + arriving < 1 << width))),
            Assume((phase < 4) | (dut.needed == needed)),
        ]
        m.d.sync += needed.eq(dut.needed)
        for k, count in enumerate(counts):
            m.d.sync += count.eq(count + add_all([dut.add[n] & (dut.digits.lane[n] == k) for n in range(lanes)]))
        with m.Switch(phase):
            with m.Case(0):
                m.d.sync += phase.eq(1)
            with m.Case(1):
                with m.If(~dut.busy):
                    m.d.sync += phase.eq(2)
            with m.Case(2):
                with m.If(dut.add == 0):
                    m.d.sync += phase.eq(3)
            with m.Case(3):
                m.d.sync += quiet.eq(quiet + 1)
                with m.If(quiet == 3):
                    m.d.sync += phase.eq(4)
            with m.Case(4):
                with m.If(~dut.busy):
                    m.d.sync += phase.eq(5)
        with m.If((phase == 5) & (needed != 0) & (total >= needed)):
            m.d.sync += [
                Assert(dut.above < needed, "as many as are needed lie above the digit"),
                Assert(dut.above + Mux(dut.digit, counts[1], counts[0]) >= needed, "too few lie from the digit on"),
            ]
        return (phase == 5) & (total == 5) & (needed == 3) & (dut.digit == 0)

    establish(lambda: DigitFinder(lanes=lanes, count_bits=width, digit_bits=bits), properties, tmp_path)


@pytest.mark.slow
def test_a_selection_has_exactly_k_distinct_tokens(tmp_path: Path) -> None:
    """Of words in rising order: every token leaves at most once, in rising order, and once a word has been picked from,
    all tokens kept always, all above the threshold and the first `ties` that equal it have left, and no other.

    Four words of two tokens, whatever their scores, with pauses of any length.
    """
    spec = replace(TINY, head_size=64, scan_tokens=64, block_tokens=4)
    size = spec.plane_tokens

    def properties(m: Module, dut: TokenPicker) -> Value:
        started, some, any_word = Signal(), Signal(), Signal()
        threshold, ties = Signal.like(dut.threshold), Signal.like(dut.ties)
        last_word = Signal.like(dut.i.payload.word)
        last_token = Signal.like(dut.o.payload.token)
        owed = Signal(range(size + 4))  # tokens that have yet to leave, two of them of the word before
        word = dut.i.payload
        level = [word.best[k] & (word.scores[k] == dut.threshold) for k in range(size)]
        sure = [word.always[k] | (word.best[k] & (word.scores[k] > dut.threshold)) for k in range(size)]
        equal, taken = Signal(range(size + 1)), Signal(range(size + 1))
        m.d.comb += [
            Assume(dut.begin == ~started),
            Assume(started | ~dut.i.valid),
            Assume(~started | (dut.threshold == threshold)),
            Assume(dut.ties < 4),
            Assume(word.word < 4),
            Assume(word.best & word.always == 0),
            Assume(~any_word | ~dut.i.valid | (word.word > last_word)),
            *(Assume(~word.best[k] | (word.scores[k] >= dut.threshold)) for k in range(size)),
            equal.eq(add_all(level)),
            taken.eq(Mux(equal < ties, equal, ties)),
        ]
        m.d.sync += [started.eq(1), threshold.eq(dut.threshold)]
        with m.If(~started):
            m.d.sync += ties.eq(dut.ties)
        with m.If(transfer(dut.i)):
            m.d.sync += [last_word.eq(word.word), any_word.eq(1), ties.eq(ties - taken)]
        m.d.sync += owed.eq(owed + Mux(transfer(dut.i), add_all(sure) + taken, 0) - transfer(dut.o))
        with m.If(transfer(dut.o)):
            m.d.sync += [last_token.eq(dut.o.payload.token), some.eq(1)]
            m.d.sync += Assert(~some | (dut.o.payload.token > last_token), "a token leaves twice, or out of order")
            m.d.sync += Assert(owed != 0, "a token leaves that is not selected")
        with m.If(started & ~dut.busy):
            m.d.sync += Assert(owed == 0, "a selected token is missing")
        return some & (last_token == 5) & ~dut.busy & (ties == 0)

    establish(lambda: TokenPicker(spec=spec), properties, tmp_path)
