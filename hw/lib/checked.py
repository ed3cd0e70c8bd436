"""A component with a protocol checker on every stream port."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Elaboratable, Module, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In

from hw.lib.checker import check


def stream_ports(component: wiring.Component) -> dict[str, stream.Interface]:
    """Every stream among the ports, by its name in the Verilog, at any depth of signatures and arrays.

    Judged by signature: an input's interface is a flipped one, which is no instance of its own class.
    """
    found: dict[str, stream.Interface] = {}

    def walk(item: Any, name: str) -> None:
        if isinstance(getattr(item, "signature", None), stream.Signature):
            found[name] = item
        elif isinstance(item, (list, tuple)):
            for k, part in enumerate(item):
                walk(part, f"{name}__{k}")
        elif hasattr(item, "signature"):
            for key in item.signature.members:
                walk(getattr(item, key), f"{name}__{key}")

    for key in component.signature.members:
        walk(getattr(component, key), key)
    return found


class Checked(wiring.Component):
    """Passes every port of `component` through; a broken stream rule, on either side, stops the simulation."""

    def __init__(self, component: wiring.Component) -> None:
        self.component = component
        super().__init__(component.signature)

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.dut = dut = self.component
        ports = zip(self.signature.flatten(self), dut.signature.flatten(dut), strict=True)
        for (_, member, outer), (_, _, inner) in ports:
            source, sink = (outer, inner) if member.flow == In else (inner, outer)
            m.d.comb += Value.cast(sink).eq(Value.cast(source))
        for name, interface in stream_ports(dut).items():
            check(m, interface, name)
        return m
