// Clocks the netlist of a board's self-test and prints the first line that it sends.
//
// Macros: TOP is the netlist's module, CLOCK and SEND are the names of its pins, DIVISOR the clock cycles of a bit,
// CYCLES the most that are run.
module self_test_bench;
  reg clk = 0;
  wire clock_pin = clk;  // a pad's pin is an inout, which takes no variable
  wire send;
  `TOP dut (
      .`CLOCK(clock_pin),
      .`SEND(send)
  );
  always #1 clk = !clk;

  integer cycle = 0, rest = 0, left = 0;  // rest: cycles until the next bit of `left` is looked at, in its middle
  reg [9:0] bits = 0;
  always @(negedge clk) begin
    cycle = cycle + 1;
    if (left == 0) begin
      if (send === 1'b0) begin
        left = 10;
        rest = `DIVISOR / 2;
      end
    end else if (rest != 0) rest = rest - 1;
    else begin
      bits = {send, bits[9:1]};
      left = left - 1;
      rest = `DIVISOR - 1;
      if (left == 0) begin
        $write("%c", bits[8:1]);
        if (bits[8:1] === 8'h0a) $finish;
      end
    end
    if (cycle == `CYCLES) begin
      $write("nothing more in %0d cycles", cycle);
      $finish;
    end
  end
endmodule
