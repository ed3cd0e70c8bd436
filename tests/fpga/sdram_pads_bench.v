// The pads of an SDRAM between a controller that sends and looks at random values, and a chip that is as slow as it may be.
//
// OUT: ns from the pads' registers to the chip. BACK: ns from the chip to the register that takes its data.
`timescale 1ns / 100ps
module sdram_pads_bench;
  parameter real OUT = `OUT, BACK = `BACK;
  reg clk = 0;
  always #10 clk = ~clk;

  // The controller: all that it drives, at once.
  reg [35:0] sent = 0, earlier = 0;
  integer cycle = 0, wrong = 0, seen = 0;
  wire [15:0] read_data, dq;
  wire ras, cas, we, cs, cke, chip_clk;
  wire [1:0] ba, dqm;
  wire [12:0] a;
  pads pads (
      .clk(clk), .pins__ras(sent[0]), .pins__cas(sent[1]), .pins__we(sent[2]), .pins__bank(sent[4:3]),
      .pins__address(sent[17:5]), .pins__mask(sent[18]), .pins__write_data(sent[34:19]), .pins__drive(sent[35]),
      .pins__read_data(read_data), .ras(ras), .cas(cas), .we(we), .ba(ba), .a(a), .dqm(dqm), .cs(cs), .clk_en(cke),
      .clk_pin(chip_clk), .dq(dq)
  );
  always @(posedge clk) begin
    cycle <= cycle + 1;
    earlier <= sent;
    sent[31:0] <= $random;
    sent[34:32] <= $random;
    sent[35] <= cycle >= 40 && cycle < 80;
  end

  // The chip's pins: commands, and what it is to write.
  wire #(OUT) edge_ = chip_clk;
  wire [17:0] #(OUT) command = {a, ba, ~we, ~cas, ~ras};
  wire [15:0] #(OUT) data = dq;
  wire #(OUT) mask = dqm[0] & dqm[1];
  realtime changed = 0;
  always @(command, data, mask) changed = $realtime;
  always @(posedge edge_)
    if (cycle > 4) begin
      seen = seen + 1;
      if (command !== earlier[17:0] || mask !== earlier[18] || cs !== 1'b0 || cke !== 1'b1) wrong = wrong + 1;
      if (earlier[35] && data !== earlier[34:19]) wrong = wrong + 1;
      if ($realtime - changed < 1.5) wrong = wrong + 1;
    end
  always @(posedge edge_) begin : hold
    realtime at_edge;
    at_edge = $realtime;
    #0.8 if (cycle > 4 && changed >= at_edge) wrong = wrong + 1;
  end

  // What it reads: a column behind each edge, from 6 ns on, until 2.5 ns behind the next one.
  reg [15:0] driven = 16'hxxxx;
  reg [15:0] column = 0, launched[0:255];
  reg [15:0] back = 16'hxxxx;
  always @(driven) back <= #(BACK) driven;
  assign dq = cycle >= 100 ? back : 16'hzzzz;
  always @(posedge edge_) begin
    column = $random;
    launched[cycle[7:0]] = column;
    #2.5 driven = 16'hxxxx;
    #3.5 driven = column;
  end
  // Of the chip's edge in the cycle before the one that ends here.
  always @(posedge clk)
    if (cycle > 104 && read_data !== launched[cycle[7:0] - 8'd1]) wrong = wrong + 1;

  initial #4000 begin
    $display("%s %0d %0d", wrong == 0 && seen > 150 ? "pass" : "fail", wrong, seen);
    $finish;
  end
endmodule
