"""A block that needs a node's `MergeLanes`, beside them."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module

from golden.cluster.spec import Spec
from hw.cluster.merge_lanes import MergeLanes

TO_LANES = ("merges", "merge", "add", "turns", "turn")


def with_lanes(dut: Any, spec: Spec) -> Module:
    """`dut`, whose ports are left to the test but for those towards the lanes."""
    m = Module()
    m.submodules.dut = dut
    m.submodules.lanes = lanes = MergeLanes(spec=spec)
    ports = {name: getattr(dut, name) for name in TO_LANES if name in dut.signature.members}
    m.d.comb += [getattr(lanes, name).eq(port) for name, port in ports.items()]
    if "turn" in ports and "turns" not in ports:
        m.d.comb += lanes.turns.eq(dut.valid)
    back = "lanes" if "merge" in ports else "turned"
    m.d.comb += getattr(dut, back).eq(lanes.o)
    return m
