"""Radiance cache: the invariant of what is filled, in runs of any length."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Array, Assert, Assume, Cat, Module, Signal, Value
from amaranth.lib import wiring

from golden.radiance.spec import PUBLISHED, Spec
from hw.lib.memory import NEVER_MEET
from hw.lib.stream import transfer
from hw.radiance.fill_unit import FillUnit
from hw.radiance.look_up import LookUp
from tests.formal.spec import FREE, establish

#: Two ways of four sets; of tag and colour only the lowest bits are free.
SMALL = Spec(key=PUBLISHED, record_length=1, id_bits=18, ways=2, sets=4, channels=3)


def test_one_way_a_tag_and_the_last_fill(tmp_path: Path) -> None:
    """Whenever a set is looked at: no two ways have one tag, and a way has the colour of its tag's last fill.

    The pixel that went in last is there. Before that the cache was empty, and sets are looked at when the unit is idle.
    """

    def properties(m: Module, dut: FillUnit) -> Value:
        pixel = dut.i.payload
        last = Array(Signal(FREE, name=f"last_{k}") for k in range(SMALL.sets << FREE))  # by set and tag
        filled = Signal(SMALL.sets << FREE)
        m.d.comb += [Assume(~dut.load.valid), Assume(~dut.dump.valid | (dut.idle & ~dut.i.valid))]
        place = Cat(dut.written.tag[:FREE], dut.written.set)
        with m.If(dut.filled):
            m.d.sync += [last[place].eq(dut.written.colour[:FREE]), filled.bit_select(place, 1).eq(1)]
        looked, where = Signal(), Signal(SMALL.set_bits)
        m.d.sync += [looked.eq(dut.dump.valid), where.eq(dut.dump.set)]
        newest, known = Signal.like(pixel), Signal()
        with m.If(transfer(dut.i)):
            m.d.sync += [newest.eq(pixel), known.eq(1)]
        ways = dut.row.entries
        there = Cat(ways[k].valid & (ways[k].tag == newest.tag) for k in range(SMALL.ways))
        with m.If(looked):
            m.d.sync += Assert(~(ways[0].valid & ways[1].valid & (ways[0].tag == ways[1].tag)), "two ways, one tag")
            m.d.sync += Assert(~known | (newest.set != where) | there.any(), "the last pixel is not there")
            for k in range(SMALL.ways):
                held = Cat(ways[k].tag[:FREE], where)
                with m.If(ways[k].valid):
                    m.d.sync += Assert(filled.bit_select(held, 1), "an entry that nobody filled")
                    m.d.sync += Assert(ways[k].colour == last[held], "not the colour of the last fill")
        return looked & ways[0].valid & ways[1].valid & (last[Cat(ways[0].tag[:FREE], where)] == 3)

    establish(lambda: FillUnit(spec=SMALL), properties, tmp_path)


@pytest.mark.parametrize("make", [FillUnit, LookUp])
def test_proofs_see_every_memory(make: Callable[..., wiring.Component]) -> None:
    """Each of the block's own memories whose ports are said never to meet carries an assertion that they do not."""
    text = rtlil.convert(make(spec=SMALL), platform="formal", emit_src=False)
    top = text[text.index("module \\top\n") :]
    own = top[: top.index("\nend\n")]
    assert own.count(NEVER_MEET)
    assert own.count("a row is written while it is read") == own.count(NEVER_MEET)
