from __future__ import annotations

import re

from hw.verilog_text import finish

YOSYS = """\
module m(a, clk, b);
  input [7:0] a;
  wire [7:0] a;
  input clk;
  wire clk;
  output [1:0] b;
  reg [1:0] b = 2'h1;
  wire none;
  reg [3:0] _0_;
  wire [3:0] _1_;
  wire [3:0] data;
  reg [3:0] words [1:0];
  assign none = ! a;
  assign data = _0_;
  assign _1_ = a[3:0];
  always @(posedge clk) begin
    _0_ <= words[_1_[0]];
    casez (b)
      2'h0:
        casez (a)
          8'h01:
              b <= 2'h2;
          default:
              b <= 2'h3;
        endcase
    endcase
  end
endmodule
"""


def test_a_module_is_put_in_order() -> None:
    """Ports in the header with their comments, initial values apart, names for what Yosys numbers, a default."""
    text = finish(YOSYS, {"m": {"a", "data"}}, {"m": {"clk": ["the clock"], "a": ["a: a byte"], "b": []}})
    assert text.startswith("""\
module m(
  // the clock
  input wire clk,
  // Not every bit of these is read""")
    assert (
        "  // a: a byte\n  input wire [7:0] a,\n  // verilator lint_on UNUSEDSIGNAL\n  output reg [1:0] b\n);\n" in text
    )
    assert "lint_off UNUSEDSIGNAL\n  wire [3:0] data;\n  // verilator lint_on UNUSEDSIGNAL\n" in text
    assert "  initial begin\n    b = 2'h1;\n  end\n" in text
    assert "assign none = ~| a;" in text
    assert "reg [3:0] data_read;" in text
    assert "data_read <= words[n_1[0]];" in text
    assert text.count("default: ;") == 1
    assert re.search(r"endcase\n +default: ;\n +endcase", text)
    assert text.endswith("endmodule\n")


def test_what_is_no_module_stays() -> None:
    assert finish("// a remark\n", {}, {}) == "// a remark\n"
