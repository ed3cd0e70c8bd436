// External memory behind one read and one write port (hw/lib/memory_port.py).
//
// Holds 2**LOG2_WORDS words of WIDTH bits. Plus-arguments, all read at time 0:
//   +image=FILE        binary, loaded from address 0; bytes of each word in reverse (big endian)
//   +latency=N         cycles from a read word's service to its response, default 100
//   +bandwidth=N       words served in 256 cycles, reads and writes together, 1 to 256, default 256
//   +stalls=N          chance in 256, each cycle, that a port pauses, default 0
//   +seed=N            of the pauses, default 1
//   +dump=FILE +dump_first=W +dump_last=W   words written as hexadecimal when `dump` rises
//   +dram_channels=N … a DRAM's timing in place of latency and bandwidth, see dram_timing.v
//
// A read's words are served in order, one a cycle at full bandwidth; writes go first. An address
// beyond the end sets `fault` and `fault_address`; the word reads as zero, a write is dropped.
// `words_read` and `words_written` count what was served since reset; `read_waits` the cycles in which
// words were under way and none was offered, `write_waits` those in which a word was offered and not taken.
//
// A word is read or written when it is served, whatever the timing: only its response waits for the DRAM.
module external_memory #(
    parameter WIDTH = 512,
    parameter LOG2_WORDS = 19
) (
    input clk,
    input rst,
    input [31:0] request_address,
    input [6:0] request_length,
    input request_valid,
    output request_ready,
    output [WIDTH-1:0] response_data,
    output response_last,
    output response_valid,
    input response_ready,
    input [31:0] write_address,
    input [WIDTH-1:0] write_data,
    input write_valid,
    output write_ready,
    input dump,
    output reg fault,
    output reg [31:0] fault_address,
    output reg [39:0] words_read,
    output reg [39:0] words_written,
    output reg [39:0] read_waits,
    output reg [39:0] write_waits,
    output [13*40-1:0] dram_counters,
    output [8*6*40-1:0] part_counters
);
  localparam BYTES = WIDTH / 8;
  localparam LOG2_BYTES = $clog2(BYTES);
  localparam RING = 1024;  // words between service and response

  reg [WIDTH-1:0] mem[0:(1<<LOG2_WORDS)-1];

  reg [8*512-1:0] file;
  integer descriptor, loaded;
  reg [31:0] latency, bandwidth, stalls, seed, dump_first, dump_last;
  initial begin
    if (!$value$plusargs("latency=%d", latency)) latency = 100;
    if (!$value$plusargs("bandwidth=%d", bandwidth)) bandwidth = 256;
    if (!$value$plusargs("stalls=%d", stalls)) stalls = 0;
    if (!$value$plusargs("seed=%d", seed)) seed = 1;
    if (!$value$plusargs("dump_first=%d", dump_first)) dump_first = 0;
    if (!$value$plusargs("dump_last=%d", dump_last)) dump_last = 0;
    if ($value$plusargs("image=%s", file)) begin
      descriptor = $fopen(file, "rb");
      loaded = $fread(mem, descriptor);
      $fclose(descriptor);
    end
  end
  always @(posedge dump) if ($value$plusargs("dump=%s", file)) $writememh(file, mem, dump_first, dump_last);

  // Pauses: a 32-bit xorshift generator, one byte for each port.
  reg [31:0] noise;
  wire [31:0] noise_1 = noise ^ (noise << 13);
  wire [31:0] noise_2 = noise_1 ^ (noise_1 >> 17);
  wire [31:0] noise_3 = noise_2 ^ (noise_2 << 5);
  wire pause_request = {24'd0, noise[7:0]} < stalls;
  wire pause_response = {24'd0, noise[15:8]} < stalls;
  wire pause_write = {24'd0, noise[23:16]} < stalls;

  // Bandwidth: a bucket of 256ths of a word.
  reg  [31:0] credit;
  wire        may_serve = credit >= 256;

  // One burst at a time is cut into words.
  reg  [31:0] burst_address;
  reg  [ 6:0] burst_left;
  reg         begun;  // a word of the burst is served
  reg  [31:0] cycle;
  reg [9:0] head, tail;
  reg [WIDTH-1:0] ring_data[0:RING-1];
  reg ring_last[0:RING-1];
  reg [31:0] ring_time[0:RING-1];  // its cycle, or with a DRAM the accesses that must have come
  wire ring_full = tail + 10'd1 == head;

  wire dram, read_room, write_room;
  wire [31:0] read_number, arrived;
  assign write_ready = may_serve & !pause_write & (write_room | !dram);
  wire write_now = write_valid & write_ready;
  wire serve = (burst_left != 0) & may_serve & !write_now & !ring_full & (read_room | !dram);
  assign request_ready = (burst_left == 0 | (burst_left == 1 & serve)) & !pause_request;

  wire [31:0] read_word = burst_address >> LOG2_BYTES;
  wire [31:0] write_word = write_address >> LOG2_BYTES;
  wire read_inside = read_word < (1 << LOG2_WORDS);
  wire write_inside = write_word < (1 << LOG2_WORDS);

  // A response, once offered, stays: the pause applies before it is offered.
  reg offered;
  wire due = head != tail & $signed((dram ? arrived : cycle) - ring_time[head]) >= 0;
  assign response_valid = due & (offered | !pause_response);
  assign response_data  = ring_data[head];
  assign response_last  = ring_last[head];

  dram_timing #(
      .WORD_BYTES(BYTES)
  ) timing (
      .clk(clk),
      .rst(rst),
      .enabled(dram),
      .read_take(serve),
      .read_joins(begun),
      .read_address(burst_address),
      .read_room(read_room),
      .read_number(read_number),
      .arrived(arrived),
      .write_take(write_now),
      .write_address(write_address),
      .write_room(write_room),
      .counters(dram_counters),
      .part_counters(part_counters)
  );

  always @(posedge clk) begin
    if (rst) begin
      noise <= seed;
      credit <= 256;
      burst_left <= 0;
      cycle <= 0;
      head <= 0;
      tail <= 0;
      offered <= 0;
      fault <= 0;
      fault_address <= 0;
      words_read <= 0;
      words_written <= 0;
      read_waits <= 0;
      write_waits <= 0;
      begun <= 0;
    end else begin
      noise   <= noise_3;
      cycle   <= cycle + 1;
      credit  <= (serve | write_now) ? credit - 256 + bandwidth : (credit + bandwidth > 512 ? 512 : credit + bandwidth);
      offered <= response_valid & !response_ready;
      words_read <= words_read + {39'd0, serve};
      words_written <= words_written + {39'd0, write_now};
      read_waits <= read_waits + {39'd0, head != tail & !response_valid};
      write_waits <= write_waits + {39'd0, write_valid & !write_ready};
      if (request_valid & request_ready) begin
        burst_address <= request_address;
        burst_left <= request_length;
        begun <= 0;
      end else if (serve) begin
        burst_address <= burst_address + BYTES;
        burst_left <= burst_left - 1;
        begun <= 1;
      end
      if (serve) begin
        ring_data[tail] <= read_inside ? mem[read_word[LOG2_WORDS-1:0]] : {WIDTH{1'b0}};
        ring_last[tail] <= burst_left == 1;
        ring_time[tail] <= dram ? read_number : cycle + latency;
        tail <= tail + 1;
        if (!read_inside & !fault) begin
          fault <= 1;
          fault_address <= burst_address;
        end
      end
      if (response_valid & response_ready) head <= head + 1;
      if (write_now) begin
        if (write_inside) mem[write_word[LOG2_WORDS-1:0]] <= write_data;
        else if (!fault) begin
          fault <= 1;
          fault_address <= write_address;
        end
      end
    end
  end
endmodule
