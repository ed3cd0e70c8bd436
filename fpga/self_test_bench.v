// Clocks the netlist of a board's self-test and prints the first line that it sends; ends when a light says the result.
//
// Macros: CLOCK and SEND are the names of the pins, PASSED and FAILED of the lights' (1 is on, before an inverting pad),
// DIVISOR the clock cycles of a bit, CYCLES the most that are run.
`timescale 1ns / 1ns
module self_test_bench;
  reg clk = 0;
  wire clock_pin = clk;  // the pad's side is an inout
  wire send;
  `TOP dut (
      .`CLOCK(clock_pin),
      .`SEND(send)
  );
  always #1 clk = !clk;

  integer cycle = 0, wait_bit = 0, left = 0;
  reg [9:0] bits = 0;
  always @(negedge clk) begin
    cycle = cycle + 1;
    if (cycle == `CYCLES) begin
      $display("\nno line in %0d cycles", cycle);
      $finish;
    end
    if (left == 0) begin
      if (send === 1'b0) begin
        left = 10;
        wait_bit = `DIVISOR / 2;
      end else if (send !== 1'b1) begin
        if (cycle > 64) begin
          $display("\nthe line is unknown in cycle %0d", cycle);
          $finish;
        end
      end
    end else if (wait_bit != 0) wait_bit = wait_bit - 1;
    else begin
      bits = {send, bits[9:1]};
      left = left - 1;
      wait_bit = `DIVISOR - 1;
      if (left == 0) begin
        $write("%c", bits[8:1]);
        if (bits[8:1] == 8'h0a) begin
          $display("after %0d cycles", cycle);
          $finish;
        end
      end
    end
  end
endmodule
