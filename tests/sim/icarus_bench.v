// Runs one job of the design `DESIGN` as sim/kernel/job_bench.py does, cycle for cycle, in plain Verilog.
//
// Plus-arguments: +address=N of the job's header, +timeout=N cycles (default 100000), and those of the memory. Prints
// the counters in hexadecimal with what the memory counted, or how the job failed.
module icarus_bench;
  parameter COUNTERS = 40;  // bits of the port

  reg clk = 0, rst = 1, start = 0, dump = 0;
  reg [31:0] address = 0;
  integer timeout;
  wire done, stuck, fault;
  wire [31:0] fault_address;
  wire [39:0] words_read, words_written;
  wire [COUNTERS-1:0] counters;

  `DESIGN dut (
      .clk(clk),
      .rst(rst),
      .start(start),
      .address(address),
      .dump(dump),
      .done(done),
      .stuck(stuck),
      .fault(fault),
      .fault_address(fault_address),
      .words_read(words_read),
      .words_written(words_written),
      .counters(counters)
  );

  always #1 clk = !clk;

  initial begin
    if (!$value$plusargs("timeout=%d", timeout)) timeout = 100000;
    repeat (4) @(posedge clk);
    rst <= 0;
    if (!$value$plusargs("address=%d", address)) address <= 0;
    repeat (4) @(posedge clk);
    start <= 1;
    @(posedge clk);
    start <= 0;
    while (done !== 1 && stuck !== 1 && timeout > 0) begin
      @(negedge clk);
      timeout = timeout - 1;
    end
    if (done === 1 && fault === 0)
      $display("done counters=%h read=%h written=%h", counters, words_read, words_written);
    else $display("failed: done=%b stuck=%b fault=%b at %h", done, stuck, fault, fault_address);
    dump <= 1;
    repeat (2) @(posedge clk);
    $finish;
  end
endmodule
