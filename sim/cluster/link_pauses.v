// Random pauses of a cluster's nodes. Plus-arguments, all read at time 0:
//   +link_pauses=N   chance in 256, each cycle, that a node's links carry nothing, default 0
//   +seed=N          of the pauses, default 1
//   +hold=K          node that stops for ever, default none ...
//   +hold_after=N    ... from this cycle on, default 0
module link_pauses #(
    parameter NODES = 4
) (
    input clk,
    input rst,
    output [NODES-1:0] pause
);
  reg [31:0] rate, seed, hold, hold_after;
  initial begin
    if (!$value$plusargs("link_pauses=%d", rate)) rate = 0;
    if (!$value$plusargs("seed=%d", seed)) seed = 1;
    if (!$value$plusargs("hold=%d", hold)) hold = 32'hffffffff;
    if (!$value$plusargs("hold_after=%d", hold_after)) hold_after = 0;
  end
  reg [31:0] cycle;
  always @(posedge clk) cycle <= rst ? 0 : cycle + 1;
  genvar k;
  generate
    for (k = 0; k < NODES; k = k + 1) begin : node
      // A 32-bit xorshift generator of its own.
      reg [31:0] noise;
      wire [31:0] noise_1 = noise ^ (noise << 13);
      wire [31:0] noise_2 = noise_1 ^ (noise_1 >> 17);
      wire [31:0] noise_3 = noise_2 ^ (noise_2 << 5);
      always @(posedge clk) noise <= rst ? seed + 32'h9e3779b9 * (k + 1) : noise_3;
      assign pause[k] = ({24'd0, noise[15:8]} < rate) | (hold == k & cycle >= hold_after);
    end
  endgenerate
endmodule
