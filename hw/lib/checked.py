"""A component with a protocol checker on every stream port."""

from __future__ import annotations

from amaranth.hdl import Elaboratable, Module
from amaranth.lib import wiring

from hw.lib.checker import check
from hw.lib.ports import forward, streams_of


class Checked(wiring.Component):
    """Passes every port of `component` through; a broken stream rule, on either side, stops the simulation."""

    def __init__(self, component: wiring.Component) -> None:
        self.component = component
        super().__init__(component.signature)

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.dut = dut = self.component
        forward(m, self, dut)
        for port in streams_of(dut):
            check(m, port.interface, port.name)
        return m
