"""Splatting engine: the heap is a priority queue, the dispatcher causes no hazard and keeps every sub-tile's order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from amaranth.hdl import Assert, Assume, Cat, Module, Signal, Value

from golden.splat.spec import TINY
from hw.lib.stream import transfer
from hw.splat.config import tiny
from hw.splat.dispatcher import Dispatcher
from hw.splat.heap_bank import HeapBank
from hw.splat.heap_item import order_key
from hw.splat.lane_array import LaneArray
from hw.splat.pixel_lane import HAZARD
from hw.splat.slot_pool import SlotPool
from tests.formal.prove import RefutedError, prove
from tests.formal.spec import Scoreboard, StreamSpec, establish

#: Four sub-tiles of 16 pixels, heaps of three levels.
SPEC = replace(TINY, group_size=8, subtile=4, sort_levels=3, depth_bits=12)


def recent_operations(m: Module, operation: Value, count: int) -> list[tuple[Value, Value]]:
    """Whether there was an operation 1, 2, … cycles ago, and its sub-tile."""
    result: list[tuple[Value, Value]] = []
    now = (operation.draw | operation.flush, operation.place)
    for k in range(count):
        before = (Signal(name=f"was_{k}"), Signal.like(operation.place, name=f"place_{k}"))
        m.d.sync += [before[0].eq(now[0]), before[1].eq(now[1])]
        result.append(before)
        now = before
    return result


@pytest.mark.parametrize("window", [1, 2])
def test_dispatcher(window: int, tmp_path: Path) -> None:
    """Operations on a sub-tile are `HAZARD` cycles apart; it gets its splats in order, each between its flushes."""

    def properties(m: Module, dut: Dispatcher) -> Value:
        operation = dut.operation
        happens = operation.draw | operation.flush
        recent = recent_operations(m, operation, HAZARD)
        m.d.sync += Assert(~(operation.draw & operation.flush))
        for was, place in recent[:-1]:
            m.d.sync += Assert(~(happens & was & (place == operation.place)), "a hazard")
        # Nothing becomes opaque, so that every splat has to be drawn on every sub-tile that it touches.
        m.d.comb += Assume(~dut.drawn.done)
        head = dut.i.payload
        square = Signal()  # of the splat at the input, odd or even
        m.d.sync += square.eq(square ^ (transfer(dut.i) & head.end))
        for tile in range(dut.config.places):
            here = operation.place == tile
            board = Scoreboard(shape=3, capacity=window + 1)
            m.submodules[f"board_{tile}"] = board
            owner = Signal(init=1, name=f"owner_{tile}")  # square that the sub-tile belongs to
            m.d.comb += [
                board.push.eq(transfer(dut.i) & ~head.end & head.mask[tile]),
                board.pushed.eq(Cat(square, head.splat.opacity[:2])),
                board.offer.eq(operation.draw & here),
                board.offered.eq(Cat(owner, dut.splat.opacity[:2])),
                board.pop.eq(operation.draw & here),
            ]
            flushing = Signal(name=f"flushing_{tile}")
            answered = dut.flushed.valid & (dut.flushed.place == tile)
            m.d.comb += Assume(~answered | flushing)
            m.d.sync += flushing.eq((flushing | (operation.flush & here)) & ~answered)
            with m.If(operation.flush & here):
                m.d.sync += [owner.eq(~owner), Assert(~flushing)]
            with m.If(operation.draw & here):
                m.d.sync += Assert(~flushing, "a draw while the square before is still in the lanes")
        last_was, last_place = recent[-1]
        return operation.draw & last_was & (last_place == operation.place) & ~dut.silent

    establish(lambda: Dispatcher(config=replace(tiny(), spec=SPEC, issue_window=window)), properties, tmp_path)


@pytest.mark.parametrize("changes", [{}, {"exp_entries": 32, "exp_linear": 1}], ids=["constants", "lines"])
def test_lane_memories(changes: dict[str, int], tmp_path: Path) -> None:
    """If operations keep the hazard distance, no pixel memory is written where it is read."""

    def properties(m: Module, dut: LaneArray) -> Value:
        operation = dut.i.operation
        happens = operation.draw | operation.flush
        recent = recent_operations(m, operation, HAZARD)
        for was, place in recent[:-1]:
            m.d.comb += Assume(~(happens & was & (place == operation.place)))
        m.d.comb += Assume(~(operation.draw & operation.flush))
        return dut.flushed.valid & dut.drawn.valid

    establish(lambda: LaneArray(spec=replace(SPEC, subtile=2, **changes), places=4), properties, tmp_path)


@pytest.mark.parametrize("count", [2, 3])
def test_slot_pool(count: int, tmp_path: Path) -> None:
    """A number is with one holder at a time, and can always be given back."""

    def properties(m: Module, dut: SlotPool) -> Value:
        held = [Signal(name=f"held_{number}") for number in range(count)]
        for number, has in enumerate(held):
            back = dut.i.valid & (dut.i.payload == number)
            m.d.comb += Assume(~back | has)
            m.d.sync += has.eq((has | (transfer(dut.o) & (dut.o.payload == number))) & ~back)
            m.d.sync += Assert(~(dut.o.valid & (dut.o.payload == number) & has), "a number has two holders")
        m.d.comb += Assume(~dut.i.valid | (dut.i.payload < count))
        m.d.sync += Assert(~dut.o.valid | (dut.o.payload < count))
        with m.If(dut.i.valid):
            m.d.sync += Assert(dut.i.ready, "a number cannot be given back")
        return Cat(held).all() & dut.i.valid

    establish(lambda: SlotPool(count=count), properties, tmp_path)


@pytest.mark.parametrize("depth", [12, pytest.param(16, marks=pytest.mark.slow)])
def test_heap_bank(depth: int, tmp_path: Path) -> None:
    """The root is an item that was put in and not taken out, and no item inside comes before it.

    For runs of up to `depth` cycles: two to clear the memories, then an operation every other cycle.
    One item in particular is followed, that of slot 0; it may be any.
    """

    def properties(m: Module, dut: HeapBank) -> Value:
        item, root = dut.i.payload, dut.root
        mine = item.slot == 0
        inside = Signal()  # the item that is followed
        key = Signal(len(Value.cast(item)))
        number = Signal(range(SPEC.bank_capacity + 1))
        enters = transfer(dut.i)
        order = order_key(item, dut.group)
        group = Signal.like(dut.group)
        started = Signal()
        m.d.sync += [group.eq(dut.group), started.eq(1), number.eq(number + enters - dut.pop)]
        m.d.comb += [
            Assume(~dut.pop | dut.poppable),
            Assume(item.slot[1:] == 0),
            Assume(~(enters & mine & inside)),
            Assume(~started | (dut.group == group)),  # the group that drains stays
        ]
        with m.If(enters & mine):
            m.d.sync += [inside.eq(1), key.eq(order)]
        with m.If(dut.pop & (root.slot == 0)):
            m.d.sync += inside.eq(0)
        m.d.sync += [Assert(dut.occupied == (number != 0)), Assert(dut.full == (number == SPEC.bank_capacity))]
        with m.If(dut.poppable):
            now = order_key(root, dut.group)
            with m.If(inside):
                m.d.sync += Assert(now <= key, "the root is not the nearest")
            with m.If(root.slot == 0):
                m.d.sync += Assert(inside & (now == key), "the root was never put in")
        # A root and a child, after one has left.
        left = Signal()
        m.d.sync += left.eq(left | dut.pop)
        return left & inside & (number == 2) & dut.poppable

    for name, probe in (("theorem", False), ("goal", True)):
        (tmp_path / name).mkdir()
        spec = StreamSpec(HeapBank(spec=SPEC), properties, probe=probe)
        if probe:
            with pytest.raises(RefutedError, match="the goal is reached"):
                prove(spec, tmp_path / name, depth=depth)
        else:
            prove(spec, tmp_path / name, depth=depth)
