"""Narrower and widener: elements keep their order and grouping, in runs of any length."""

from __future__ import annotations

from pathlib import Path

import pytest
from amaranth.hdl import Array, Assert, Assume, Cat, Module, Mux, Signal, Value

from hw.lib.stream import transfer
from hw.lib.width_converter import Narrower, Widener
from tests.formal.spec import establish, scoreboard


@pytest.mark.parametrize("ratio", [2, 3, 4])
def test_narrower(ratio: int, tmp_path: Path) -> None:
    """The first `count` elements of each word leave in order, and nothing else."""

    def properties(m: Module, dut: Narrower) -> Value:
        m.d.comb += Assume(dut.i.payload.count <= ratio)
        word = Signal(dut.i.payload.data.shape())
        place, count = Signal(range(ratio + 1)), Signal(range(ratio + 1))
        m.d.sync += Assert(dut.o.valid == (place != count))
        with m.If(dut.o.valid):
            m.d.sync += Assert(dut.o.payload == Array(word)[place])
        with m.If(transfer(dut.o)):
            m.d.sync += place.eq(place + 1)
        with m.If(transfer(dut.i)):
            m.d.sync += [
                word.eq(dut.i.payload.data),
                place.eq(0),
                count.eq(dut.i.payload.count),
                Assert(place + transfer(dut.o) == count, "a word is taken before the last one is out"),
            ]
        return transfer(dut.i) & (place == ratio - 1)

    establish(lambda: Narrower(shape=2, ratio=ratio), properties, tmp_path)


@pytest.mark.parametrize("ratio", [2, 3, 4])
def test_widener(ratio: int, tmp_path: Path) -> None:
    """A word holds the elements since the one before, in order, then zeros."""

    def properties(m: Module, dut: Widener) -> Value:
        gathered = [Signal(2, name=f"gathered_{k}") for k in range(ratio)]
        count = Signal(range(ratio))
        element = dut.i.payload
        complete = element.last | (count == ratio - 1)
        word = [Mux(count == k, element.data, known) for k, known in enumerate(gathered)]
        with m.If(transfer(dut.i)):
            m.d.sync += count.eq(Mux(complete, 0, count + 1))
            m.d.sync += [known.eq(Mux(complete, 0, value)) for known, value in zip(gathered, word, strict=True)]
        number = (count + 1)[: len(dut.o.payload.count)]
        board = scoreboard(m, dut.i, dut.o, capacity=1, expected=Cat(*word, number), enters=complete)
        return board.push & board.pop & (dut.o.payload.count == ratio)

    establish(lambda: Widener(shape=2, ratio=ratio), properties, tmp_path)
