"""A block that needs a node's lanes, beside them."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module

from golden.cluster.spec import Spec
from hw.cluster.merge_lanes import MergeLanes
from hw.cluster.serial_lanes import SerialLanes

TO_LANES = ("merges", "merge", "add", "turns", "turn", "zero", "distance", "multiply")
FROM_SERIAL = ("sum", "exponential", "product")


def with_lanes(dut: Any, spec: Spec, interval: int = 1) -> Module:
    """`dut`, whose ports are left to the test but for those towards the lanes; serial ones if it has an interval."""
    m = Module()
    m.submodules.dut = dut
    m.submodules.lanes = lanes = MergeLanes(spec=spec) if interval == 1 else SerialLanes(spec=spec)
    members = dut.signature.members
    ports = {name: getattr(dut, name) for name in TO_LANES if name in members and not is_phase(dut, name)}
    m.d.comb += [getattr(lanes, name).eq(port) for name, port in ports.items()]
    if "turn" in ports and "turns" not in ports:
        m.d.comb += lanes.turns.eq(dut.valid)
    back = next(name for name in ("lanes", "merged", "turned") if name in members)
    m.d.comb += getattr(dut, back).eq(lanes.o)
    m.d.comb += [getattr(dut, name).eq(getattr(lanes, name)) for name in FROM_SERIAL if name in members]
    return m


def is_phase(dut: Any, name: str) -> bool:
    """`turn` is a cycle's number, and not a vector that is turned."""
    return name == "turn" and "merge" in dut.signature.members
