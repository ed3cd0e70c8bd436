// Writes every payload that moves on a stream to the file NAME.hex of the folder +taps=FOLDER, a line each: the payload
// in hexadecimal, and the nanosecond, which is the cycle.
module stream_tap #(
    parameter WIDTH = 1,
    parameter NAME = "stream"
) (
    input clk,
    input [WIDTH-1:0] payload,
    input transfer
);
  reg [8*512-1:0] folder;
  integer descriptor;
  initial begin
    descriptor = 0;
    if ($value$plusargs("taps=%s", folder)) descriptor = $fopen({folder, "/", NAME, ".hex"}, "w");
  end
  always @(posedge clk) if (transfer && descriptor != 0) $fdisplay(descriptor, "%h %0d", payload, $time);
endmodule
