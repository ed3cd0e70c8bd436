// For Yosys' techmap: a memory whose read port gives the new word of a row that is written in the same cycle becomes one
// that gives the old word, as macros do, with a register for the word that is written and one for whether it is to be
// given. One read and one write port; others are left as they are, and refused later.
(* techmap_celltype = "$mem_v2" *)
module bypass (RD_CLK, RD_EN, RD_ARST, RD_SRST, RD_ADDR, RD_DATA, WR_CLK, WR_EN, WR_ADDR, WR_DATA);
  parameter MEMID = "";
  parameter signed SIZE = 4;
  parameter signed OFFSET = 0;
  parameter signed ABITS = 2;
  parameter signed WIDTH = 8;
  parameter signed INIT = 1'bx;
  parameter signed RD_PORTS = 1;
  parameter RD_CLK_ENABLE = 1'b1;
  parameter RD_CLK_POLARITY = 1'b1;
  parameter RD_TRANSPARENCY_MASK = 1'b0;
  parameter RD_COLLISION_X_MASK = 1'b0;
  parameter RD_WIDE_CONTINUATION = 1'b0;
  parameter RD_CE_OVER_SRST = 1'b0;
  parameter RD_ARST_VALUE = 1'b0;
  parameter RD_SRST_VALUE = 1'b0;
  parameter RD_INIT_VALUE = 1'b0;
  parameter signed WR_PORTS = 1;
  parameter WR_CLK_ENABLE = 1'b1;
  parameter WR_CLK_POLARITY = 1'b1;
  parameter WR_PRIORITY_MASK = 1'b0;
  parameter WR_WIDE_CONTINUATION = 1'b0;
  input RD_CLK, RD_EN, RD_ARST, RD_SRST, WR_CLK;
  input [ABITS-1:0] RD_ADDR, WR_ADDR;
  input [WIDTH-1:0] WR_EN, WR_DATA;
  output [WIDTH-1:0] RD_DATA;

  wire _TECHMAP_FAIL_ = RD_PORTS != 1 || WR_PORTS != 1 || !RD_TRANSPARENCY_MASK || !RD_CLK_ENABLE;

  wire [WIDTH-1:0] old;
  reg [WIDTH-1:0] word, given;
  always @(posedge RD_CLK)
    if (RD_EN) begin
      word <= WR_DATA;
      given <= WR_EN & {WIDTH{RD_ADDR == WR_ADDR}};
    end
  assign RD_DATA = (given & word) | (~given & old);

  \$mem_v2 #(
    .MEMID(MEMID), .SIZE(SIZE), .OFFSET(OFFSET), .ABITS(ABITS), .WIDTH(WIDTH), .INIT(INIT), .RD_PORTS(RD_PORTS),
    .RD_CLK_ENABLE(RD_CLK_ENABLE), .RD_CLK_POLARITY(RD_CLK_POLARITY), .RD_TRANSPARENCY_MASK(1'b0),
    .RD_COLLISION_X_MASK(1'b0), .RD_WIDE_CONTINUATION(RD_WIDE_CONTINUATION), .RD_CE_OVER_SRST(RD_CE_OVER_SRST),
    .RD_ARST_VALUE(RD_ARST_VALUE), .RD_SRST_VALUE(RD_SRST_VALUE), .RD_INIT_VALUE(RD_INIT_VALUE), .WR_PORTS(WR_PORTS),
    .WR_CLK_ENABLE(WR_CLK_ENABLE), .WR_CLK_POLARITY(WR_CLK_POLARITY), .WR_PRIORITY_MASK(WR_PRIORITY_MASK),
    .WR_WIDE_CONTINUATION(WR_WIDE_CONTINUATION)
  ) _TECHMAP_REPLACE_ (
    .RD_CLK(RD_CLK), .RD_EN(RD_EN), .RD_ARST(RD_ARST), .RD_SRST(RD_SRST), .RD_ADDR(RD_ADDR), .RD_DATA(old),
    .WR_CLK(WR_CLK), .WR_EN(WR_EN), .WR_ADDR(WR_ADDR), .WR_DATA(WR_DATA)
  );
endmodule
