from __future__ import annotations

from pathlib import Path

import pytest

from golden.errors import InputError
from sim.estimate.foreign import read_verilog
from sim.estimate.mapping import map_block
from sim.estimate.technology import named

COUNTER = """module counter #(parameter W = 8) (input clk, input rst, output reg [W-1:0] o);
  reg [15:0] rows [0:63]; reg [15:0] word;
  always @(posedge clk) begin
    if (rst) o <= 0; else o <= o + word;
    word <= rows[o[5:0]]; rows[o[7:2]] <= o * 3;
  end
endmodule
module pair (input clk, input rst, output [7:0] a, output [7:0] b);
  counter x (.clk(clk), .rst(rst), .o(a)); counter y (.clk(clk), .rst(rst), .o(b));
endmodule
"""


def test_any_verilog_is_mapped(tmp_path: Path) -> None:
    (tmp_path / "pair.v").write_text(COUNTER)
    rtlil = read_verilog([tmp_path / "pair.v"], "pair")
    # Yosys drops the columns that are always zero.
    mapped = map_block(rtlil, "pair", named("embedded"), tmp_path)
    assert [memory.name for memory in mapped.memories] == ["ram_64x10_1r1w"] * 2
    assert mapped.cells["DFF_X1"] == 16


def test_what_yosys_does_not_read_is_refused_in_a_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.v"
    path.write_text("module bad (input clk); endmod")
    with pytest.raises(InputError, match=r"--verilog: .*bad\.v.*syntax error") as caught:
        read_verilog([path], "bad")
    assert "\n" not in str(caught.value)
    path.write_text(COUNTER)
    with pytest.raises(InputError, match="--verilog: Module `other' not found"):
        read_verilog([path], "other")
    with pytest.raises(InputError, match=r"--verilog: .*none\.v: no such file"):
        read_verilog([tmp_path / "none.v"], "pair")
    with pytest.raises(InputError, match="--top must be the name of a module, it is 'a b'"):
        read_verilog([path], "a b")
