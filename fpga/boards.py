"""The boards that engines run on: device, clock, lights, serial line and memory chip."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from amaranth.build import Attrs
from amaranth.vendor import LatticeECP5Platform
from amaranth_boards.ecpix5 import ECPIX585Platform
from amaranth_boards.orangecrab_r0_2 import OrangeCrabR0_2_85FPlatform
from amaranth_boards.resources import UARTResource
from amaranth_boards.ulx3s import ULX3S_85F_Platform

from fpga.colorlight_i5 import ColorlightI5Platform
from fpga.pll import PllSettings, pll_settings
from fpga.sdram_timing import SDRAM_32_MIB, SdramChip
from golden.errors import InputError

BAUD = 115_200  # which every terminal has


@dataclass(frozen=True, kw_only=True)
class Device:
    """What an FPGA has, and nextpnr's name for it."""

    option: str  #: of nextpnr-ecp5
    lut: int  #: of four inputs
    ff: int  #: flip-flops
    bram: int  #: DP16KD, 18 kbit each
    dsp: int  #: MULT18X18D


#: Lattice's data sheet FPGA-DS-02012.
DEVICES = {
    "LFE5U-25F": Device(option="--25k", lut=24_288, ff=24_288, bram=56, dsp=28),
    "LFE5U-85F": Device(option="--85k", lut=83_640, ff=83_640, bram=208, dsp=156),
    "LFE5UM5G-85F": Device(option="--um5g-85k", lut=83_640, ff=83_640, bram=208, dsp=156),
}
PACKAGES = {"BG381": "CABGA381", "BG554": "CABGA554", "MG285": "CSFBGA285"}

#: Where a light is: resource, number, and part of an RGB light.
Light = tuple[str, int, str | None]


@dataclass(frozen=True, kw_only=True)
class Board:
    """Pins by Amaranth's platform, and what of them is used."""

    name: str
    title: str  #: for people
    platform: Callable[[], LatticeECP5Platform]
    clock_mhz: float  #: of the engine, made by the PLL
    baud: int = BAUD  #: bits a second on the serial line of the self-test
    lights: Mapping[str, Light]  #: by meaning: `run`, `passed`, `failed`; those it has
    sdram: SdramChip | None = None  #: behind the resource `sdram`, which the platform has then
    resources: tuple[Any, ...] = ()  #: that the platform lacks
    packing: tuple[str, ...] = ()  #: further options of ecppack
    notes: str = ""  #: what a user connects

    @property
    def device(self) -> Device:
        """Its FPGA."""
        return DEVICES[self.platform().device]

    @property
    def pll(self) -> PllSettings:
        """From its oscillator to its clock."""
        platform = self.platform()
        return pll_settings(platform.default_clk_frequency / 1e6, self.clock_mhz)

    @property
    def divisor(self) -> int:
        """Clock cycles of a bit on the serial line."""
        return round(self.clock_mhz * 1e6 / self.baud)

    def nextpnr_options(self) -> list[str]:
        """Device, package and speed grade."""
        platform = self.platform()
        return [self.device.option, "--package", PACKAGES[platform.package], "--speed", platform.speed]


BOARDS = {
    board.name: board
    for board in (
        Board(
            name="ulx3s-85f", title="ULX3S with an 85F", platform=ULX3S_85F_Platform, clock_mhz=50.0,
            lights={"run": ("led", 0, None), "passed": ("led", 1, None), "failed": ("led", 2, None)},
            sdram=SDRAM_32_MIB,
            notes="its USB socket US1 is the serial line",
        ),
        Board(
            name="ecpix5", title="ECPIX-5 with an 85F", platform=ECPIX585Platform, clock_mhz=50.0,
            lights={"run": ("rgb_led", 0, "b"), "passed": ("rgb_led", 0, "g"), "failed": ("rgb_led", 0, "r")},
            notes="its micro-USB socket is the serial line",
        ),
        Board(
            name="orangecrab", title="OrangeCrab r0.2.1 with an 85F", platform=OrangeCrabR0_2_85FPlatform,
            clock_mhz=48.0,
            lights={"run": ("rgb_led", 0, "b"), "passed": ("rgb_led", 0, "g"), "failed": ("rgb_led", 0, "r")},
            resources=(UARTResource(0, rx="0", tx="1", conn=("io", 0), attrs=Attrs(IO_TYPE="LVCMOS33")),),
            packing=("--freq", "38.8"),
            notes="a serial adapter of 3.3 V at its pins 0 (receives) and 1 (sends)",
        ),
        Board(
            name="colorlight-i5", title="Colorlight i5 with a 25F, on its extension board",
            platform=ColorlightI5Platform, clock_mhz=50.0, lights={"passed": ("led", 0, None)},
            notes="the debugger's USB socket is the serial line; its one light is on when the test has passed",
        ),
    )
}  # fmt: skip


def find_board(name: str) -> Board:
    """The board of that name.

    Raises:
        InputError: there is none.
    """
    if name not in BOARDS:
        raise InputError(f"board must be one of {', '.join(BOARDS)}, it is '{name}'")
    return BOARDS[name]
