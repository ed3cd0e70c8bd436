"""LoD search core: its own handshakes and invariants, in runs of any length."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Assert, Assume, Module, Mux, Signal, Value
from amaranth.lib import wiring

from hw.lib.memory import NEVER_MEET
from hw.lib.stream import transfer
from hw.lod.child_walk import ChildWalk
from hw.lod.config import tiny
from hw.lod.context_pool import ContextPool
from hw.lod.lt_unit import LtUnit
from hw.lod.node_buffer import NodeBuffer
from hw.lod.reorder import Reorder
from hw.lod.subtree_fetch import SubtreeFetch
from tests.formal.spec import establish


def test_no_context_has_two_holders(tmp_path: Path) -> None:
    """A context that is out is not offered again, and none gets lost while holders give back what they hold."""
    count = 4

    def properties(m: Module, dut: ContextPool) -> Value:
        out = Signal(count)
        taken, returned = Signal(count), Signal(count)
        m.d.comb += [
            Assume(~dut.i.valid | out.bit_select(dut.i.payload, 1)),
            taken.eq(Mux(transfer(dut.o), 1 << dut.o.payload, 0)),
            returned.eq(Mux(dut.i.valid, 1 << dut.i.payload, 0)),
        ]
        m.d.sync += out.eq((out | taken) & ~returned)
        with m.If(dut.o.valid):
            m.d.sync += Assert(~out.bit_select(dut.o.payload, 1), "a context is offered that is out")
        waits = Signal(2)  # cycles without an offer while a context is in
        m.d.sync += waits.eq(Mux(dut.o.valid | out.all() | (returned != 0), 0, waits + 1))
        m.d.sync += Assert(waits != 3, "a context is lost")
        return out.all()

    establish(lambda: ContextPool(count=count), properties, tmp_path)


def test_children_are_called_once_and_in_order(tmp_path: Path) -> None:
    """Every call is of a child of the entry that was taken last, above the one called before; none is left out."""

    def properties(m: Module, dut: ChildWalk) -> Value:
        left = Signal(32)  # children not called yet
        first = Signal(20)
        place = Signal(20)
        m.d.comb += place.eq(dut.o.payload.subtree - first)
        with m.If(transfer(dut.o)):
            m.d.sync += left.eq(left & ~(1 << place[:5]))
        with m.If(transfer(dut.i)):
            m.d.sync += [left.eq(dut.i.payload.children), first.eq(dut.i.payload.first_child)]
            m.d.sync += Assert((left & ~Mux(transfer(dut.o), 1 << place[:5], 0)) == 0, "a child was not called")
        m.d.sync += Assert(dut.o.valid == (left != 0), "there are calls exactly while children are left")
        with m.If(dut.o.valid):
            m.d.sync += [
                Assert(place < 32),
                Assert(left.bit_select(place[:5], 1), "a call is of a child"),
                Assert((left & ((1 << place[:5]) - 1)) == 0, "the lowest child is called first"),
            ]
        return (left == 2) & dut.o.valid

    establish(ChildWalk, properties, tmp_path)


@pytest.mark.parametrize("make", [LtUnit, NodeBuffer, Reorder, SubtreeFetch])
def test_proofs_see_every_memory(make: Callable[..., wiring.Component]) -> None:
    """Each of the block's own memories whose ports are said never to meet carries an assertion that they do not."""
    text = rtlil.convert(make(config=tiny()), platform="formal", emit_src=False)
    top = text[text.index("module \\top\n") :]
    own = top[: top.index("\nend\n")]
    assert own.count(NEVER_MEET)
    assert own.count("a row is written while it is read") == own.count(NEVER_MEET)
