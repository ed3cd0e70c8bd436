"""A small design below a harness, and the trace of a run of its Verilog on random words."""

# pyright: reportArgumentType=false

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from amaranth.hdl import Elaboratable, Module
from amaranth.lib import wiring

from hw.generate import Generated, generate
from tests.sim.estimate.designs import Bank

needs_icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="Icarus Verilog is not installed")
CYCLES = 100
_BENCH = """
module bench;
  reg clk = 0, rst = 1, edge_ = 0; reg [4:0] address = 0; reg [15:0] data = 0; wire [63:0] o;
  job dut (.clk(clk), .rst(rst), .address(address), .data(data), .\\edge (edge_), .o(o));
  integer cycle;
  always #500 clk = ~clk;
  initial begin
    $dumpfile("{dump}"); $dumpvars(0, dut);
    repeat (3) @(posedge clk);
    #1 rst = 0;
    for (cycle = 0; cycle < {cycles}; cycle = cycle + 1) begin  // every row is written first
      #1 address = cycle < 32 ? cycle : $random; data = $random; edge_ = cycle < 32 ? 1 : $random;
      @(posedge clk);
    end
    $finish;
  end
endmodule
"""


class Harness(wiring.Component):
    """A bank as the instance `engine`."""

    def __init__(self) -> None:
        self.bank = Bank()
        super().__init__(dict(self.bank.signature.members.items()))

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.engine = self.bank
        wiring.connect(m, wiring.flipped(self), self.bank)
        return m


def harness() -> Generated:
    return generate(Harness(), "job")


def run_traced(design: Generated, folder: Path, *, cycles: int = CYCLES) -> Path:
    """The VCD of a run, its scopes from the design's top on, as Verilator writes them."""
    source, program, dump = folder / "bench.v", folder / "bench.vvp", folder / "run.vcd"
    source.write_text(design.verilog + _BENCH.format(dump=dump, cycles=cycles))
    for command in (["iverilog", "-g2012", "-s", "bench", "-o", program, source], ["vvp", "-n", program]):
        subprocess.run([*map(str, command)], check=True, capture_output=True)
    head, end, rest = dump.read_text().partition("$enddefinitions")
    head = head.replace("$scope module bench $end", "", 1).replace("module dut ", "module job ", 1)
    dump.write_text(head + end + rest)
    return dump
