"""A datapath of the splatting engine in Amaranth's simulator, one row of inputs a cycle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from amaranth.hdl import Elaboratable, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.lib.fields import pack, unpack_nested
from tests.hw.lib.payload import difference
from tests.hw.lib.simulate import run_datapath

Payload = dict[str, Any]


class Framed(wiring.Component):
    """A datapath whose `frame` and `view`, if it has them, are constant, and whose `turn` counts from the start."""

    def __init__(self, unit: Any, header: Mapping[str, int] | None, view: Mapping[str, int] | None) -> None:
        self.unit, self.header, self.view, self.latency = unit, header, view, unit.latency
        super().__init__({"i": In(unit.i.shape()), "o": Out(unit.o.shape())})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.unit = unit = self.unit
        m.d.comb += [unit.i.eq(self.i), self.o.eq(unit.o)]
        if "turn" in unit.signature.members:
            turn = Signal.like(unit.turn)
            m.d.sync += turn.eq(turn + 1)
            m.d.comb += unit.turn.eq(turn)
        if self.header is not None:
            m.d.comb += [unit.frame[name].eq(value) for name, value in self.header.items()]
        if self.view is not None:
            m.d.comb += [unit.view[name].eq(value) for name, value in self.view.items()]
        return m


def answers(
    unit: Any,
    rows: Sequence[Payload],
    *,
    header: Mapping[str, int] | None = None,
    view: Mapping[str, int] | None = None,
) -> list[Payload]:
    """What `unit` makes of `rows`, each exactly `unit.latency` cycles later: fed back to back, or at its interval with
    other bits between."""
    interval = getattr(unit, "interval", 1)
    inputs: list[int] = []
    for row in rows:
        bits = pack(unit.i.shape(), row)
        inputs += [bits, *(bits ^ (0x5A5A5A5A << 7 * k) % (1 << len(Value.cast(unit.i))) for k in range(1, interval))]
    got = run_datapath(Framed(unit, header, view), inputs)
    return [unpack_nested(word, unit.o.shape()) for word in got[::interval]]


def same(got: Sequence[Payload], expected: Sequence[Payload]) -> None:
    """Asserts that every field of every expected payload has that value; fields left out may have any."""
    assert len(got) == len(expected), f"{len(got)} payloads, expected {len(expected)}"
    for k, (mine, wanted) in enumerate(zip(got, expected, strict=True)):
        part = known(mine, wanted)
        assert part == wanted, f"[{k}]: {difference(part, wanted)}"


def known(got: Any, expected: Any) -> Any:
    """The fields of `got` that `expected` names."""
    if isinstance(expected, dict):
        return {name: known(got[name], value) for name, value in expected.items()}
    return got
