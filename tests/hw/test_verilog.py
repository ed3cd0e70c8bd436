from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from amaranth.hdl import Elaboratable, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.generate import generate
from hw.verilog import start_blocks
from hw.yosys import YosysError, run_yosys
from tests.hw.readers import verilator

HEADER = "module top(y);\n"
READS = "    if (comb_trigger) begin end\n"
BENCH = """\
module bench;
  reg clk = 0, rst = 1;
  wire [7:0] state, mixed, comb_trigger;
  still dut (.clk(clk), .rst(rst), .go(1'b0), .state(state), .mixed(mixed), .comb_trigger(comb_trigger));
  initial #1 $display("%h %h %h", state, mixed, comb_trigger);
endmodule
"""


class Still(wiring.Component):
    """Everything here has its value before anything moves: no event would start a block."""

    def __init__(self) -> None:
        super().__init__({"go": In(1), "state": Out(8), "mixed": Out(8), "comb_trigger": Out(8)})

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.d.comb += self.mixed[:4].eq(5)
        with m.FSM(init="SECOND"):
            with m.State("FIRST"):
                m.d.comb += self.state.eq(0x11)
                m.next = "SECOND"
            with m.State("SECOND"):
                m.d.comb += self.state.eq(0x22)
                with m.If(self.go):
                    m.next = "FIRST"
                # Other bits of the same vector hang on nothing: Yosys writes a block without its own trigger.
                m.d.comb += self.mixed[4:].eq(6)
        m.d.comb += self.comb_trigger.eq(0x33)
        return m


@pytest.fixture
def still(tmp_path: Path) -> Path:
    path = tmp_path / "still.v"
    path.write_text(generate(Still(), "still").verilog)
    return path


def test_every_combinational_block_is_started(still: Path) -> None:
    """By a register of a name that the design has not, which no initialiser gives its value."""
    text = still.read_text()
    blocks = text.split("always @*")[1:]
    assert len(blocks) >= 3
    assert all(block.startswith(" begin\n    if (comb_trigger_) begin end\n") for block in blocks)
    assert text.count("  reg comb_trigger_;\n") == text.count("  initial comb_trigger_ <= 1'h0;\n") == 1
    assert "verilog_backend" not in text
    assert "git sha" not in text


def test_other_readers_accept_it(still: Path) -> None:
    verilator(still)
    printed = run_yosys([f"read_verilog -sv {still}", "hierarchy -check -top still", "proc", "check -assert"])
    assert "found and reported 0 problems" in printed.lower()


@pytest.mark.skipif(
    shutil.which("iverilog") is None, reason="the program 'iverilog' is not installed (Debian package iverilog)"
)
@pytest.mark.parametrize("language", ["-g2005", "-g2012"])
def test_blocks_run_at_time_0(still: Path, language: str) -> None:
    """In Verilog and in SystemVerilog."""
    bench, program = still.with_name("bench.v"), still.with_name("bench.vvp")
    bench.write_text(BENCH)
    subprocess.run(["iverilog", language, "-o", program, bench, still], check=True)
    printed = subprocess.run(["vvp", "-n", program], check=True, capture_output=True, text=True).stdout
    assert printed.split() == ["22", "65", "33"]


def test_a_block_of_one_assignment() -> None:
    text = HEADER + "  reg [3:0] y;\n  always @*\n    y[1:0] = 2'h1;\nendmodule\n"
    assert f"  always @* begin\n{READS}    y[1:0] = 2'h1;\n  end\nendmodule\n" in start_blocks(text)


def test_what_needs_no_start_stays_as_it_is() -> None:
    text = HEADER + "  assign y = 1'h1;\nendmodule\n"
    assert start_blocks(text) == text


@pytest.mark.parametrize(
    "body", ["  always @* y = 1'h1;\n", "  always @* begin\n    y = a;\n  end\n", "  reg \\$verilog_backend = 0;\n"]
)
def test_what_a_new_yosys_may_write_is_not_passed_on(body: str) -> None:
    with pytest.raises(YosysError, match="of an unknown"):
        start_blocks(f"{HEADER}{body}endmodule\n")
