"""The pads of an SDRAM as cells of the FPGA, at a chip as slow as it may be, with clocks and delays in ns."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from amaranth.back import rtlil
from amaranth.hdl import IOPort
from amaranth.lib.io import Direction, SingleEndedPort

from fpga.boards import find_board
from fpga.netlist_run import cell_models
from fpga.sdram_pads import SdramPads
from hw.generate import ROOT
from hw.yosys import run_yosys

WIDTHS = {"clk": 1, "clk_en": 1, "cs": 1, "ras": 1, "cas": 1, "we": 1, "ba": 2, "a": 13, "dq": 16, "dqm": 2}
LOW = ("cs", "ras", "cas", "we")  # asserted when low
pytestmark = pytest.mark.skipif(
    shutil.which("iverilog") is None, reason="the program 'iverilog' is not installed (Debian package iverilog)"
)


@pytest.fixture(scope="module")
def netlist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Verilog of the pads' cells and of their models."""
    folder = tmp_path_factory.mktemp("pads")
    ports = {
        name: SingleEndedPort(
            IOPort(width, name="clk_pin" if name == "clk" else name), invert=name in LOW,
            direction=Direction.Bidir if name == "dq" else Direction.Output,
        )
        for name, width in WIDTHS.items()
    }  # fmt: skip
    pads: Any = SdramPads(SimpleNamespace(**ports))
    (folder / "pads.il").write_text(rtlil.convert(pads, name="pads", platform=find_board("ulx3s-85f").platform()))
    made = folder / "pads.v"
    run_yosys([f"read_rtlil {folder / 'pads.il'}", "synth_ecp5 -top pads", f"write_verilog -noattr {made}"])
    text = made.read_text()
    made.write_text(f"`timescale 1ns / 100ps\n{text}\n{cell_models(text)}")
    return made


@pytest.mark.parametrize(("out", "back"), [(2.0, 1.0), (4.0, 4.0), (1.0, 7.0)])
def test_chip_and_controller_see_each_other(netlist: Path, out: float, back: float) -> None:
    """Commands and data stand at the chip's edge, before it and behind; what it drives is seen two cycles on."""
    program = netlist.with_suffix(".vvp")
    sources = (netlist, ROOT / "fpga" / "ecp5_cells.v", ROOT / "tests" / "fpga" / "sdram_pads_bench.v")
    subprocess.run(
        ["iverilog", "-g2012", "-s", "sdram_pads_bench", f"-DOUT={out}", f"-DBACK={back}", "-o", program, *sources],
        check=True,
    )
    told = subprocess.run(["vvp", "-n", program], check=True, capture_output=True, text=True).stdout
    assert told.split()[:2] == ["pass", "0"], told
