"""The Colorlight i5 on its extension board, which amaranth-boards does not have.

Pins as https://github.com/wuxx/Colorlight-FPGA-Projects documents them for v6.0 and v7.0.
"""

from __future__ import annotations

from typing import ClassVar

from amaranth.build import Attrs, Clock, Pins, Resource
from amaranth.vendor import LatticeECP5Platform
from amaranth_boards.resources import LEDResources, UARTResource

LEVEL = Attrs(IO_TYPE="LVCMOS33")


class ColorlightI5Platform(LatticeECP5Platform):
    """Oscillator, LED and the UART of the extension board's debugger."""

    device = "LFE5U-25F"
    package = "BG381"
    speed = "6"
    default_clk = "clk25"
    resources: ClassVar = [
        Resource("clk25", 0, Pins("P3", dir="i"), Clock(25e6), LEVEL),
        *LEDResources(pins="U16", invert=True, attrs=LEVEL),
        UARTResource(0, rx="H18", tx="J17", attrs=LEVEL),
    ]
    connectors: ClassVar = []
