"""Ports of components with nested signatures and arrays: walked, found, forwarded."""

from __future__ import annotations

from typing import Any
from zlib import crc32

import pytest
from amaranth.hdl import Elaboratable, Module, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from hw.lib.memory_port import ReadSignature
from hw.lib.ports import forward, pairs_of, ports_of, streams_of
from tests.hw.lib.simulate import refuses

LAYOUT = data.StructLayout({"a": 3, "b": signed(4)})
MEMBERS: dict[str, Any] = {
    "i": In(stream.Signature(LAYOUT)).array(2),
    "memory": Out(ReadSignature(32)),
    "level": Out(5),
    "mode": In(LAYOUT),
}


class Inner(wiring.Component):
    """Every output is the inverse of an input: seen from outside, each wire can be told from the others."""

    _MustUse__silence = True  # most tests look at the ports only

    def __init__(self, members: dict[str, Any] = MEMBERS) -> None:
        super().__init__(members)

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.d.comb += [
            *(i.ready.eq(~i.valid) for i in self.i),
            Value.cast(self.memory.request.payload).eq(~Value.cast(self.i[0].payload)),
            self.memory.request.valid.eq(~self.i[1].valid),
            self.memory.response.ready.eq(~self.memory.response.valid),
            self.level.eq(~Value.cast(self.mode)),
        ]
        return m


class Outer(wiring.Component):
    _MustUse__silence = True

    def __init__(self, members: dict[str, Any] = MEMBERS, names: list[str] | None = None) -> None:
        self.names = names
        super().__init__(members)

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.inner = inner = Inner()
        forward(m, self, inner, self.names)
        return m


def settled(component: wiring.Component) -> dict[str, int]:
    """All outputs, every input being a number of its own."""
    found: dict[str, int] = {}

    async def look(ctx: Any) -> None:
        for port in ports_of(component):
            if port.flow == In:
                ctx.set(Value.cast(port.value), crc32(port.name.encode()))
        found.update({p.name: ctx.get(Value.cast(p.value)) for p in ports_of(component) if p.flow == Out})

    simulator = Simulator(component)
    simulator.add_testbench(look)
    simulator.run()
    return found


def test_ports_have_the_names_and_directions_of_the_verilog() -> None:
    """The order is the declaration's, indices and members joined with two underscores."""
    found = {port.name: (port.flow, port.shape) for port in ports_of(Inner())}
    assert list(found)[:4] == ["i__0__payload", "i__0__valid", "i__0__ready", "i__1__payload"]
    assert found["i__1__payload"] == (In, LAYOUT)
    assert found["i__1__ready"][0] == Out
    assert found["memory__request__valid"][0] == Out
    assert found["memory__response__valid"][0] == In
    assert found["mode"] == (In, LAYOUT)
    assert len(found) == 6 + 6 + 2


def test_streams_have_the_direction_of_their_payload() -> None:
    inner = Inner()
    found = {port.name: (port.flow, port.interface) for port in streams_of(inner)}
    assert {name: flow for name, (flow, _) in found.items()} == {
        "i__0": In, "i__1": In, "memory__request": Out, "memory__response": In,
    }  # fmt: skip
    assert found["i__1"][1] is inner.i[1]
    assert found["memory__response"][1] is inner.memory.response


def test_a_member_named_valid_makes_no_stream() -> None:
    """Only a stream's own signature counts."""
    assert not streams_of(Outer({"valid": In(1), "pair": In(wiring.Signature({"valid": Out(1)}))}))


def test_all_ports_are_forwarded() -> None:
    """The outer component is told from the inner one by no port."""
    assert settled(Outer()) == settled(Inner())


def test_only_chosen_ports_are_forwarded() -> None:
    """The others stay with the outer component, which may have ports that the inner one lacks."""
    members = {name: member for name, member in MEMBERS.items() if name != "memory"} | {"own": Out(1)}
    got = settled(Outer(members, ["mode", "level"]))
    assert got.pop("own") == 0
    assert got == {"level": settled(Inner())["level"], "i__0__ready": 0, "i__1__ready": 0}


def test_pairs_are_the_same_port_outside_and_inside() -> None:
    outer, inner = Outer(), Inner()
    values = {port.name: (outside, inside) for port, outside, inside in pairs_of(outer, inner)}
    assert values["level"][0] is outer.level
    assert values["level"][1] is inner.level
    assert len(values) == 14


@pytest.mark.parametrize("member", [In(5), Out(6)])
def test_another_shape_or_direction_is_refused(member: Any) -> None:
    refuses("port level is ", lambda: pairs_of(Outer(MEMBERS | {"level": member}), Inner()), TypeError)


def test_a_port_that_is_not_inside_is_refused() -> None:
    refuses("Inner has no port own", lambda: pairs_of(Outer(MEMBERS | {"own": Out(1)}), Inner()), AttributeError)
