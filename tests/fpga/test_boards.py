"""Boards: clocks that a PLL can make, pins that do not collide, and one line for a board that is not there."""

from __future__ import annotations

from typing import Any

import pytest
from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from fpga.board_top import BoardTop
from fpga.boards import BAUD, BOARDS, PACKAGES, Board, find_board
from fpga.pll import COMPARED, OSCILLATING, pll_settings
from fpga.sdram_layouts import SdramPins
from fpga.tops import TOPS
from golden.errors import InputError
from sim.commands import bitstream


class Blinker(wiring.Component):
    """A top with all that a board can join: lights, both ways of the line, and a memory chip if it is to."""

    def __init__(self, *, chip: bool = False) -> None:
        lights = {name: Out(1) for name in ("run", "passed", "failed")}
        pins = {"pins": Out(SdramPins())} if chip else {}
        super().__init__({**lights, **pins, "send": Out(1), "receive": In(1)})

    def elaborate(self, platform: Any) -> Elaboratable:
        m = Module()
        count = Signal(4)
        m.d.sync += count.eq(count + self.receive)
        m.d.comb += [self.run.eq(count[0]), self.passed.eq(count[1]), self.failed.eq(count[2]), self.send.eq(count[3])]
        return m


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_s_clock_is_one_that_its_pll_makes(name: str) -> None:
    board = find_board(name)
    settings = board.pll
    assert settings.output_mhz == board.clock_mhz
    assert COMPARED[0] <= settings.input_mhz / settings.reference <= COMPARED[1]
    assert OSCILLATING[0] <= settings.output_mhz * settings.post <= OSCILLATING[1]
    assert abs(board.clock_mhz * 1e6 / board.divisor / BAUD - 1) < 0.01, "a bit is as long as a terminal takes it to be"
    assert board.platform().package in PACKAGES


def constraints(board: Board, top: wiring.Component) -> tuple[str, list[str]]:
    """What the placer is told, and the sites of pins in it."""
    platform = board.platform()
    platform.add_resources(board.resources)
    design: Any = BoardTop(top=top, board=board)
    text = platform.prepare(design, "top", debug_verilog=False).files["top.lpf"]
    assert isinstance(text, str)
    return text, [line.split('"')[3] for line in text.splitlines() if line.startswith("LOCATE")]


@pytest.mark.parametrize("name", BOARDS)
def test_a_top_is_joined_to_the_pins_there_are(name: str) -> None:
    """One site a pin, a frequency for the oscillator, and the two ways of the line."""
    board = find_board(name)
    text, sites = constraints(board, Blinker())
    assert len(set(sites)) == len(sites) == 3 + len(board.lights)  # clock, both ways of the line, lights
    assert text.count("FREQUENCY PORT") == 1


@pytest.mark.parametrize("name", [name for name, board in BOARDS.items() if board.sdram])
def test_an_sdram_is_joined_to_its_pins(name: str) -> None:
    """Clock and its enable, four of a command, bank, address, masks, data."""
    board = find_board(name)
    _, without = constraints(board, Blinker())
    _, sites = constraints(board, Blinker(chip=True))
    assert len(set(sites)) == len(sites) == len(without) + 2 + 4 + 2 + 13 + 2 + 16


def test_every_board_reads_as_its_makers_document_it() -> None:
    """Sites of clock, sending pin and receiving pin: what is wrong here damages a board at worst."""
    found = {}
    for name, board in BOARDS.items():
        platform = board.platform()
        platform.add_resources(board.resources)
        line = platform.lookup("uart", 0)
        clock = platform.lookup(platform.default_clk, 0).ios[0].names
        pins = {io.name: io.ios[0].map_names(platform._conn_pins, line) for io in line.ios}
        found[name] = (platform.device, *clock, pins["tx"][0], pins["rx"][0])
    assert found == {
        "ulx3s-85f": ("LFE5U-85F", "G2", "L4", "M1"),
        "ecpix5": ("LFE5UM5G-85F", "K23", "R24", "R26"),
        "orangecrab": ("LFE5U-85F", "A9", "M18", "N17"),
        "colorlight-i5": ("LFE5U-25F", "P3", "J17", "H18"),
    }


def test_the_command_knows_every_board_and_top() -> None:
    assert tuple(BOARDS) == bitstream.BOARDS
    assert tuple(TOPS) == bitstream.TOPS


def test_a_wrong_board_is_one_line_with_the_right_ones() -> None:
    with pytest.raises(
        InputError, match=r"^board must be one of ulx3s-85f, ecpix5, orangecrab, colorlight-i5, it is 'arty'$"
    ):
        find_board("arty")


def test_a_clock_that_no_divider_makes_is_refused() -> None:
    assert pll_settings(100.0, 62.5).output_mhz == 62.5
    with pytest.raises(InputError, match=r"^the PLL cannot make 50 MHz out of 48 MHz$"):
        pll_settings(48.0, 50.0)
    with pytest.raises(InputError, match=r"^the PLL cannot make 1000 MHz out of 25 MHz$"):
        pll_settings(25.0, 1000.0)
