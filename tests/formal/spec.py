"""Specifications of stream components: an environment that keeps the stream rule, and scoreboards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Assert, Assume, Elaboratable, Module, Mux, ResetSignal, Shape, ShapeLike, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.lib.checker import check
from hw.lib.fields import fields_of_layout
from hw.lib.ports import ports_of, streams_of
from hw.lib.stream import transfer
from tests.formal.prove import RefutedError, prove

#: Adds assertions about the device under test to a module and returns a state that a run can reach.
Properties = Callable[[Module, Any], Value]
WIDE, FREE = 8, 2


def establish(make: Callable[[], wiring.Component], properties: Properties, folder: Path) -> None:
    """Proves the properties of what `make` returns, and that a run can reach the state they return."""
    for name, probe in (("theorem", False), ("goal", True)):
        (folder / name).mkdir()
        spec = StreamSpec(make(), properties, probe=probe)
        if probe:
            with pytest.raises(RefutedError, match="the goal is reached"):
                prove(spec, folder / name)
        else:
            prove(spec, folder / name)


class StreamSpec(Elaboratable):
    """A device under test whose inputs are free but for the stream rule.

    The rule is assumed of every stream into the device and asserted of every stream out of it;
    `properties` adds the rest. Of an input field wider than `WIDE` bits only the lowest `FREE` are
    free and the others zero: data only passes through, and proofs grow with its width.

    With `probe` the theorem is also that the state which `properties` returns is never reached: it
    has to be refuted, or the premises say too much.
    """

    def __init__(self, dut: wiring.Component, properties: Properties, *, probe: bool = False) -> None:
        self.dut, self.properties, self.probe = dut, properties, probe
        self.inputs = [
            (
                Value.cast(port.value)[field.offset : field.offset + field.width],
                Signal(field.width if field.width <= WIDE else FREE, name=_free_name(port.name, field.name)),
            )
            for port in ports_of(dut)
            if port.flow == In
            for field in fields_of_layout(port.shape)
        ]
        self.ports = [free for _, free in self.inputs]

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.dut = self.dut
        m.d.comb += [Assume(~ResetSignal()), *(field.eq(free) for field, free in self.inputs)]
        for port in streams_of(self.dut):
            if port.flow == In:
                assume_stream(m, port.interface, port.name)
            else:
                check(m, port.interface, port.name)
        goal = self.properties(m, self.dut)
        if self.probe:
            m.d.sync += Assert(~goal, "the goal is reached")
        return m


def _free_name(port: str, field: str) -> str:
    """Amaranth itself calls the field of a port `port.field`."""
    return "__".join([port, *field.split(".")] if field else [port])


def assume_stream(m: Module, interface: stream.Interface, name: str) -> None:
    """Once valid, the stream stays valid with the same payload until it is taken."""
    payload = Value.cast(interface.payload)
    waiting = Signal(name=f"{name}_waiting")
    before = Signal(len(payload), name=f"{name}_before")
    m.d.sync += [waiting.eq(interface.valid & ~interface.ready), before.eq(payload)]
    with m.If(waiting):
        m.d.comb += [Assume(interface.valid), Assume(payload == before)]


class Scoreboard(wiring.Component):
    """A queue of what must come out: nothing is lost, doubled, changed or out of order.

    Asserts that what is offered is the oldest of what was pushed, and that no more than `capacity`
    are held.
    """

    def __init__(self, *, shape: ShapeLike, capacity: int) -> None:
        self.capacity = capacity
        self.width = Shape.cast(shape).width
        super().__init__(
            {
                "push": In(1),  #: something enters
                "pushed": In(self.width),  #: what enters
                "offer": In(1),  #: something stands at the output
                "offered": In(self.width),  #: what stands there
                "pop": In(1),  #: it leaves
                "held": Out(range(capacity + 1)),  #: number inside
                "oldest": Out(self.width),  #: what must leave next
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        places = [Signal(self.width, name=f"place_{k}") for k in range(self.capacity)]
        left = Signal.like(self.held)  # after what leaves, before what enters
        m.d.comb += [left.eq(self.held - self.pop), self.oldest.eq(places[0])]
        m.d.sync += self.held.eq(left + self.push)
        for k, place in enumerate(places):
            behind = places[k + 1] if k + 1 < self.capacity else place
            m.d.sync += place.eq(Mux(self.push & (left == k), self.pushed, Mux(self.pop, behind, place)))
        with m.If(self.push):
            m.d.sync += Assert(left != self.capacity, "more is held than the capacity")
        with m.If(self.offer):
            m.d.sync += Assert(self.held != 0, "something comes out that never went in")
            m.d.sync += Assert(self.offered == self.oldest, "what comes out is not the oldest inside")
        return m


def scoreboard(
    m: Module,
    i: stream.Interface,
    o: stream.Interface,
    *,
    capacity: int,
    expected: Any = None,
    enters: Any = 1,
    leaves: Any = 1,
    got: Any = None,
    name: str = "board",
) -> Scoreboard:
    """A scoreboard from one stream to another.

    Args:
        expected: what a payload of `i` has to become, the same if left out; only if `enters`.
        got: the part of a payload of `o` that is compared, all if left out; only if `leaves`.
    """
    pushed = Value.cast(i.payload if expected is None else expected)
    offered = Value.cast(o.payload if got is None else got)
    board = Scoreboard(shape=len(offered), capacity=capacity)
    m.submodules[name] = board
    m.d.comb += [
        board.push.eq(transfer(i) & enters),
        board.pushed.eq(pushed),
        board.offer.eq(o.valid & leaves),
        board.offered.eq(offered),
        board.pop.eq(transfer(o) & leaves),
    ]
    return board
