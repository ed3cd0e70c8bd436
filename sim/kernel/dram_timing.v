// Timing of DRAM behind external_memory.v: when each word that was asked for comes, and when a write finds room.
//
// Data do not pass here. Every word of a port is cut into accesses of one DRAM burst. An access waits in the read or the
// write queue of its channel; each DRAM clock each channel sends at most one command (activate, precharge, column,
// refresh) that every timing below allows. Times count from command to command, in DRAM clocks; `sim/kernel/dram.py`
// says what each means, has the parts' figures with their sources, and says what is left out.
//
// Scheduler: of the first `window` accesses of the queue (1: in order), the oldest one whose row is open goes first
// (FR-FCFS), unless `cap` accesses have passed an older one of the bank that needs another row; else the oldest one
// whose bank can be activated, or precharged because no access waits for its open row. Reads go before writes until
// the write queue is three quarters full, or more than a quarter full while no read waits; writes then go until it is
// a quarter full. Pages stay open.
//
// Plus-arguments dram_<field>=N, all read at time 0; without dram_channels the module is off. +dram_trace=FILE gets a
// line for every access that enters a queue and for every command: clock, channel, name, bank, row, and of an access
// its address.
//
// +dram_parts=N +dram_part_2=ADDRESS … +dram_part_N=ADDRESS, ascending, N at most 8, cut the memory into parts that are
// counted apart, reads and writes together: part k begins at its address, part 1 at 0. An access belongs to the part
// of its first byte, an activation to the access that it was sent for.
module dram_timing #(
    parameter WORD_BYTES = 64
) (
    input clk,
    input rst,
    output enabled,
    input read_take,  // a word is asked for in this cycle
    input read_joins,  // it follows the one before in its burst
    input [31:0] read_address,
    output reg read_room,  // a word can be asked for
    output [31:0] read_number,  // accesses that must have come before it is here
    output reg [31:0] arrived,  // accesses that have come, in order
    input write_take,  // a word is written in this cycle
    input [31:0] write_address,
    output reg write_room,
    output [13*40-1:0] counters,
    output [8*6*40-1:0] part_counters  // the first part's at the lowest bits
);
  localparam CHANNELS = 16, BANKS = 32, QUEUE = 64, TAGS = 2048, FRONT = 128, PARTS = 8;
  localparam MOST = WORD_BYTES > 16 ? WORD_BYTES / 16 : 1;  // accesses of a word

  reg [31:0] channels, burst_bits, megahertz, engine_megahertz, banks, groups;
  reg [31:0] channel_shift, bank_shift, row_shift, row_bits, hash;
  reg [31:0] cl, cwl, burst, rcd, rp, ras, rc, rrd, faw, ccd, ccd_long, wtr, rtw, wr, rtp, refi, rfc, per_bank;
  reg [31:0] activate_clocks, column_clocks, precharge_clocks, queue, window, cap, path;
  reg [31:0] parts, part_2, part_3, part_4, part_5, part_6, part_7, part_8;
  reg [8*512-1:0] file;
  reg tracing;
  integer trace;

  `define FIELD(name) if (!$value$plusargs(`"dram_``name``=%d`", name)) name = 0;
  initial begin
    `FIELD(channels)
    `FIELD(burst_bits)
    `FIELD(megahertz)
    `FIELD(engine_megahertz)
    `FIELD(banks)
    `FIELD(groups)
    `FIELD(channel_shift)
    `FIELD(bank_shift)
    `FIELD(row_shift)
    `FIELD(row_bits)
    `FIELD(hash)
    `FIELD(cl)
    `FIELD(cwl)
    `FIELD(burst)
    `FIELD(rcd)
    `FIELD(rp)
    `FIELD(ras)
    `FIELD(rc)
    `FIELD(rrd)
    `FIELD(faw)
    `FIELD(ccd)
    `FIELD(ccd_long)
    `FIELD(wtr)
    `FIELD(rtw)
    `FIELD(wr)
    `FIELD(rtp)
    `FIELD(refi)
    `FIELD(rfc)
    `FIELD(per_bank)
    `FIELD(activate_clocks)
    `FIELD(column_clocks)
    `FIELD(precharge_clocks)
    `FIELD(queue)
    `FIELD(window)
    `FIELD(cap)
    `FIELD(path)
    `FIELD(parts)
    `FIELD(part_2)
    `FIELD(part_3)
    `FIELD(part_4)
    `FIELD(part_5)
    `FIELD(part_6)
    `FIELD(part_7)
    `FIELD(part_8)
    tracing = $value$plusargs("dram_trace=%s", file) != 0;
    if (tracing) trace = $fopen(file, "w");
  end
  `undef FIELD
  assign enabled = channels != 0;
  wire [31:0] per_word = (WORD_BYTES >> burst_bits) > 1 ? (WORD_BYTES >> burst_bits) : 1;

  // Accesses on their way to the queues, direction 0 reads, 1 writes: a ring for each, its counts never wrap.
  reg [31:0] front[0:2*FRONT-1];
  reg [31:0] front_head[0:1];
  reg [31:0] front_tail[0:1];
  reg [31:0] last_access[0:1];

  // Reads under way, by their number.
  reg        done[0:TAGS-1];
  reg [31:0] done_at[0:TAGS-1];
  reg [31:0] asked_at[0:TAGS-1];
  reg [31:0] asked, came;  // reads that entered, and that are back in order

  // Queues, oldest first: entry (direction * CHANNELS + channel) * QUEUE + place.
  reg [31:0] level[0:2*CHANNELS-1];
  reg [ 4:0] q_bank[0:2*CHANNELS*QUEUE-1];
  reg [31:0] q_row[0:2*CHANNELS*QUEUE-1];
  reg [31:0] q_tag[0:2*CHANNELS*QUEUE-1];
  reg [ 1:0] q_kind[0:2*CHANNELS*QUEUE-1];  // 0: no command for it yet, 1: activated, 2: precharged before

  reg [ 2:0] q_part[0:2*CHANNELS*QUEUE-1];  // whose access it is, from 0
  reg [31:0] q_since[0:2*CHANNELS*QUEUE-1];  // the clock in which it entered

  // Banks, channel * BANKS + bank: the open row, and from when on a command may come.
  reg        is_open[0:CHANNELS*BANKS-1];
  reg [31:0] open_row[0:CHANNELS*BANKS-1];
  reg [31:0] act_at[0:CHANNELS*BANKS-1];
  reg [31:0] col_at[0:CHANNELS*BANKS-1];
  reg [31:0] pre_at[0:CHANNELS*BANKS-1];
  reg [31:0] group_at[0:CHANNELS*BANKS-1];  // by bank group
  reg [31:0] passed[0:CHANNELS*BANKS-1];

  // Channels.
  reg [31:0] bus_at[0:CHANNELS-1];
  reg [31:0] rrd_at[0:CHANNELS-1];
  reg [31:0] read_at[0:CHANNELS-1];
  reg [31:0] write_at[0:CHANNELS-1];
  reg [31:0] faw_at[0:4*CHANNELS-1];
  reg [ 1:0] faw_next[0:CHANNELS-1];
  reg        writing[0:CHANNELS-1];
  reg [31:0] refresh_at[0:CHANNELS-1];
  reg [31:0] refresh_bank[0:CHANNELS-1];

  reg [31:0] now, phase;
  // Counters, 5 of each direction: accesses, row hits, misses (bank was closed), conflicts, activations.
  reg [39:0] moved[0:9];
  reg [39:0] refreshes, latency, turns;
  assign counters = {
    turns, latency, refreshes, moved[9], moved[8], moved[7], moved[6], moved[5], moved[4], moved[3], moved[2], moved[1],
    moved[0]
  };

  // Of each part the same five, and the clocks that its accesses waited in their queue, summed.
  reg [39:0] of_part[0:6*PARTS-1];
  genvar g;
  generate
    for (g = 0; g < 6 * PARTS; g = g + 1) begin : each_part
      assign part_counters[40*g+:40] = of_part[g];
    end
  endgenerate

  // A word that lies in the access of the one before, where accesses are longer than words, asks for no other.
  reg [31:0] read_total, read_last;
  wire read_shared = read_joins & read_address >> burst_bits == read_last;
  assign read_number = read_total + per_word - {31'd0, read_shared};

  integer c, d, i, k, base, pick, kind, f, cb, ticks, part;
  reg [31:0] access, channel, bank, row, wanted;
  reg [BANKS-1:0] waits, older, tried;
  reg hit, due, held, sent, still;

  task locate;  // `access` to channel, bank, row
    begin
      channel = (access >> channel_shift) & (channels - 1);
      row = (access >> row_shift) & ((32'd1 << row_bits) - 1);
      bank = ((access >> bank_shift) & (banks / groups - 1)) * groups + (access & (groups - 1));
      if (hash != 0) begin
        bank = bank ^ (row & (banks - 1));
        if (channels > 1)
          for (wanted = (access >> channel_shift) / channels; wanted != 0; wanted = wanted / channels)
            channel = channel ^ (wanted & (channels - 1));
      end
    end
  endtask

  function [2:0] part_of(input [31:0] first_byte);
    begin
      part_of = 0;
      if (parts > 1 && first_byte >= part_2) part_of = 1;
      if (parts > 2 && first_byte >= part_3) part_of = 2;
      if (parts > 3 && first_byte >= part_4) part_of = 3;
      if (parts > 4 && first_byte >= part_5) part_of = 4;
      if (parts > 5 && first_byte >= part_6) part_of = 5;
      if (parts > 6 && first_byte >= part_7) part_of = 6;
      if (parts > 7 && first_byte >= part_8) part_of = 7;
    end
  endfunction

  task enter;  // moves accesses of direction d from the front to their queues, in order
    begin
      still = 1;
      for (k = 0; k < 2 * MOST && still; k = k + 1) begin
        still = 0;
        if (front_head[d] != front_tail[d]) begin
          access = front[d*FRONT+(front_head[d]%FRONT)];
          locate;
          i = d * CHANNELS + channel;
          if (level[i] < queue) begin
            q_bank[i*QUEUE+level[i]] = bank[4:0];
            q_row[i*QUEUE+level[i]] = row;
            q_tag[i*QUEUE+level[i]] = front_head[d];
            q_kind[i*QUEUE+level[i]] = 0;
            q_part[i*QUEUE+level[i]] = part_of(access << burst_bits);
            q_since[i*QUEUE+level[i]] = now;
            level[i] = level[i] + 1;
            front_head[d] = front_head[d] + 1;
            still = 1;
            if (tracing)
              $fwrite(trace, "%0d %0d %s %0d %0d %0d\n", now, channel, d ? "INW" : "INR", bank, row,
                      access << burst_bits);
          end
        end
      end
    end
  endtask

  task command(input [8*3-1:0] name, input [31:0] clocks, input [31:0] at_row);  // of bank `bank` of channel c
    begin
      sent = 1;
      bus_at[c] = now + clocks;
      if (tracing) $fwrite(trace, "%0d %0d %s %0d %0d\n", now, c, name, bank, at_row);
    end
  endtask

  task precharge;
    begin
      command("PRE", precharge_clocks, open_row[cb]);
      is_open[cb] = 0;
      if (act_at[cb] < now + rp) act_at[cb] = now + rp;
    end
  endtask

  task refresh;  // the bank whose turn it is, or all of them, closed one by one; at once, and never put off
    begin
      still = 1;  // every bank of these is ready for the refresh
      for (k = 0; k < banks; k = k + 1)
        if (!sent && (per_bank == 0 || k == refresh_bank[c])) begin
          bank = k;
          cb = c * BANKS + k;
          if (is_open[cb] || act_at[cb] > now) still = 0;
          if (is_open[cb] && pre_at[cb] <= now) precharge;
        end
      if (still && !sent) begin
        bank = per_bank != 0 ? refresh_bank[c] : 0;
        for (k = 0; k < banks; k = k + 1)
          if (per_bank == 0 || k == refresh_bank[c]) act_at[c*BANKS+k] = now + rfc;
        command("REF", precharge_clocks, 0);
        refreshes = refreshes + 1;
        refresh_at[c] = refresh_at[c] + (per_bank != 0 ? refi / banks : refi);
        refresh_bank[c] = refresh_bank[c] + 1 == banks ? 0 : refresh_bank[c] + 1;
      end
    end
  endtask

  task schedule;  // a command for one access of channel c
    begin
      if (writing[c] ? level[CHANNELS+c] == 0 || (level[CHANNELS+c] <= queue / 4 && level[c] != 0)
                     : level[CHANNELS+c] >= queue - queue / 4 || (level[CHANNELS+c] > queue / 4 && level[c] == 0))
      begin
        writing[c] = !writing[c];
        turns = turns + 1;
      end
      d = writing[c];
      base = (d * CHANNELS + c) * QUEUE;
      pick = -1;
      waits = 0;
      older = 0;
      wanted = level[d*CHANNELS+c] < window ? level[d*CHANNELS+c] : window;
      for (i = 0; i < wanted && pick < 0; i = i + 1) begin
        bank = q_bank[base+i];
        cb = c * BANKS + bank;
        held = due && (per_bank == 0 || bank == refresh_bank[c]);
        if (is_open[cb] && open_row[cb] == q_row[base+i]) begin
          if (!(older[bank] && passed[cb] >= cap)) begin
            waits[bank] = 1;
            if (!held && col_at[cb] <= now && group_at[c*BANKS+bank%groups] <= now
                && (d ? write_at[c] : read_at[c]) <= now)
              pick = i;
          end
        end else older[bank] = 1;
      end
      if (pick >= 0) column;
      else begin
        tried = 0;
        for (i = 0; i < wanted && !sent; i = i + 1) begin
          bank = q_bank[base+i];
          cb = c * BANKS + bank;
          held = due && (per_bank == 0 || bank == refresh_bank[c]);
          hit = is_open[cb] && open_row[cb] == q_row[base+i];
          if (!hit && !tried[bank]) begin
            tried[bank] = 1;
            if (!held && !is_open[cb]) begin
              if (act_at[cb] <= now && rrd_at[c] <= now && faw_at[4*c+faw_next[c]] <= now) activate;
            end else if (!held && !waits[bank] && pre_at[cb] <= now) begin
              q_kind[base+i] = 2;
              precharge;
            end
          end
        end
      end
    end
  endtask

  task activate;
    begin
      if (q_kind[base+i] == 0) q_kind[base+i] = 1;
      part = 6 * q_part[base+i];
      moved[5*d+4] = moved[5*d+4] + 1;
      of_part[part+4] = of_part[part+4] + 1;
      is_open[cb] = 1;
      open_row[cb] = q_row[base+i];
      passed[cb] = 0;
      col_at[cb] = now + rcd;
      pre_at[cb] = now + ras;
      act_at[cb] = now + rc;
      rrd_at[c] = now + rrd;
      faw_at[4*c+faw_next[c]] = now + faw;
      faw_next[c] = faw_next[c] + 1;
      command("ACT", activate_clocks, q_row[base+i]);
    end
  endtask

  task column;
    begin
      bank = q_bank[base+pick];
      cb = c * BANKS + bank;
      group_at[c*BANKS+bank%groups] = now + ccd_long;
      if (older[bank]) passed[cb] = passed[cb] + 1;
      if (d == 0) begin
        read_at[c] = now + ccd;
        if (write_at[c] < now + rtw) write_at[c] = now + rtw;
        if (pre_at[cb] < now + rtp) pre_at[cb] = now + rtp;
        done[q_tag[base+pick]%TAGS] = 1;
        done_at[q_tag[base+pick]%TAGS] = now + cl + burst + path;
      end else begin
        write_at[c] = now + ccd;
        if (read_at[c] < now + cwl + burst + wtr) read_at[c] = now + cwl + burst + wtr;
        if (pre_at[cb] < now + cwl + burst + wr) pre_at[cb] = now + cwl + burst + wr;
      end
      kind = q_kind[base+pick];
      moved[5*d] = moved[5*d] + 1;
      moved[5*d+1+kind] = moved[5*d+1+kind] + 1;
      part = 6 * q_part[base+pick];
      of_part[part] = of_part[part] + 1;
      of_part[part+1+kind] = of_part[part+1+kind] + 1;
      of_part[part+5] = of_part[part+5] + {8'd0, now - q_since[base+pick]};
      command(d ? "WRT" : "RED", column_clocks, open_row[cb]);
      level[d*CHANNELS+c] = level[d*CHANNELS+c] - 1;
      for (i = pick; i < level[d*CHANNELS+c]; i = i + 1) begin
        q_bank[base+i] = q_bank[base+i+1];
        q_row[base+i]  = q_row[base+i+1];
        q_tag[base+i]  = q_tag[base+i+1];
        q_kind[base+i] = q_kind[base+i+1];
        q_part[base+i] = q_part[base+i+1];
        q_since[base+i] = q_since[base+i+1];
      end
    end
  endtask

  always @(posedge clk) begin
    if (rst) begin
      now = 0;
      phase = 0;
      asked = 0;
      came = 0;
      refreshes = 0;
      latency = 0;
      turns = 0;
      for (i = 0; i < 10; i = i + 1) moved[i] = 0;
      for (i = 0; i < 6 * PARTS; i = i + 1) of_part[i] = 0;
      for (d = 0; d < 2; d = d + 1) begin
        front_head[d] = 0;
        front_tail[d] = 0;
        last_access[d] = ~0;
      end
      for (i = 0; i < TAGS; i = i + 1) done[i] = 0;
      for (i = 0; i < 2 * CHANNELS; i = i + 1) level[i] = 0;
      for (i = 0; i < CHANNELS * BANKS; i = i + 1) begin
        is_open[i] = 0;
        act_at[i] = 0;
        col_at[i] = 0;
        pre_at[i] = 0;
        group_at[i] = 0;
        passed[i] = 0;
      end
      for (i = 0; i < CHANNELS; i = i + 1) begin
        bus_at[i] = 0;
        rrd_at[i] = 0;
        read_at[i] = 0;
        write_at[i] = 0;
        faw_next[i] = 0;
        writing[i] = 0;
        refresh_at[i] = per_bank != 0 ? refi / (banks == 0 ? 1 : banks) : refi;
        refresh_bank[i] = 0;
      end
      for (i = 0; i < 4 * CHANNELS; i = i + 1) faw_at[i] = 0;
    end else if (enabled) begin
      for (d = 0; d < 2; d = d + 1)
        if (d ? write_take : read_take) begin
          access = (d ? write_address : read_address) >> burst_bits;
          for (k = 0; k < per_word; k = k + 1) begin
            if (access != last_access[d] || (d == 0 && !read_joins)) begin
              front[d*FRONT+(front_tail[d]%FRONT)] = access;
              front_tail[d] = front_tail[d] + 1;
              if (d == 0) begin
                done[asked%TAGS] = 0;
                asked_at[asked%TAGS] = now;
                asked = asked + 1;
              end
            end
            last_access[d] = access;
            access = access + 1;
          end
        end
      phase = phase + megahertz;
      for (ticks = 0; phase >= engine_megahertz; ticks = ticks + 1) begin
        phase = phase - engine_megahertz;
        for (d = 0; d < 2; d = d + 1) enter;
        for (c = 0; c < channels; c = c + 1) begin
          due  = refi != 0 && now >= refresh_at[c];
          sent = bus_at[c] > now;
          if (!sent && due) refresh;
          if (!sent) schedule;
        end
        now = now + 1;
      end
      still = 1;
      for (k = 0; k < 4 * MOST && still; k = k + 1) begin
        still = came != asked && done[came%TAGS] && done_at[came%TAGS] <= now;
        if (still) begin
          latency = latency + {8'd0, now - asked_at[came%TAGS]};
          came = came + 1;
        end
      end
    end
    arrived <= came;
    read_total <= asked;
    read_last <= last_access[0];
    read_room <= front_tail[0] - front_head[0] <= 2 * per_word && asked - came + 2 * per_word <= TAGS;
    write_room <= front_tail[1] - front_head[1] <= 2 * per_word;
  end
endmodule
