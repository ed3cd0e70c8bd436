// Models of the ECP5 cells that Yosys instantiates and has no model of, in the modes in which it does.
//
// A cell in another mode ends the simulation with a message. Written after Lattice's memory and DSP usage guides
// (FPGA-TN-02204, FPGA-TN-02205), Amaranth's use of its output cell, and Yosys's own mapping
// (techlibs/lattice/brams_map_16kd.v, dsp_map_18x18.v). Look-up tables, carry chains, flip-flops, distributed RAM and
// pads have models of Yosys's: techlibs/ecp5/common_sim.vh.

// Block RAM: 1,024 words of 18 bits behind two ports of 1 to 18 bits, or a writing and a reading one of up to 36.
// What one port reads where the other one writes in the same cycle is unknown.
module DP16KD (
    input DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3,
        DIA2, DIA1, DIA0,
    input ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
    input CEA, OCEA, CLKA, WEA, RSTA, CSA2, CSA1, CSA0,
    output DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3,
        DOA2, DOA1, DOA0,
    input DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3,
        DIB2, DIB1, DIB0,
    input ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
    input CEB, OCEB, CLKB, WEB, RSTB, CSB2, CSB1, CSB0,
    output DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3,
        DOB2, DOB1, DOB0
);
  parameter DATA_WIDTH_A = 18, DATA_WIDTH_B = 18;
  parameter REGMODE_A = "NOREG", REGMODE_B = "NOREG";
  parameter RESETMODE = "SYNC", ASYNC_RESET_RELEASE = "SYNC";
  parameter CSDECODE_A = "0b000", CSDECODE_B = "0b000";
  parameter WRITEMODE_A = "NORMAL", WRITEMODE_B = "NORMAL";
  parameter CLKAMUX = "CLKA", CLKBMUX = "CLKB", GSR = "ENABLED";
  parameter [319:0] INITVAL_00 = 0, INITVAL_01 = 0, INITVAL_02 = 0, INITVAL_03 = 0, INITVAL_04 = 0, INITVAL_05 =
      0, INITVAL_06 = 0, INITVAL_07 = 0, INITVAL_08 = 0, INITVAL_09 = 0, INITVAL_0A = 0, INITVAL_0B = 0, INITVAL_0C
      = 0, INITVAL_0D = 0, INITVAL_0E = 0, INITVAL_0F = 0, INITVAL_10 = 0, INITVAL_11 = 0, INITVAL_12 = 0,
      INITVAL_13 = 0, INITVAL_14 = 0, INITVAL_15 = 0, INITVAL_16 = 0, INITVAL_17 = 0, INITVAL_18 = 0, INITVAL_19 =
      0, INITVAL_1A = 0, INITVAL_1B = 0, INITVAL_1C = 0, INITVAL_1D = 0, INITVAL_1E = 0, INITVAL_1F = 0, INITVAL_20
      = 0, INITVAL_21 = 0, INITVAL_22 = 0, INITVAL_23 = 0, INITVAL_24 = 0, INITVAL_25 = 0, INITVAL_26 = 0,
      INITVAL_27 = 0, INITVAL_28 = 0, INITVAL_29 = 0, INITVAL_2A = 0, INITVAL_2B = 0, INITVAL_2C = 0, INITVAL_2D =
      0, INITVAL_2E = 0, INITVAL_2F = 0, INITVAL_30 = 0, INITVAL_31 = 0, INITVAL_32 = 0, INITVAL_33 = 0, INITVAL_34
      = 0, INITVAL_35 = 0, INITVAL_36 = 0, INITVAL_37 = 0, INITVAL_38 = 0, INITVAL_39 = 0, INITVAL_3A = 0,
      INITVAL_3B = 0, INITVAL_3C = 0, INITVAL_3D = 0, INITVAL_3E = 0, INITVAL_3F = 0;

  localparam [64*320-1:0] INIT = {
    INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B, INITVAL_3A, INITVAL_39, INITVAL_38, INITVAL_37,
    INITVAL_36, INITVAL_35, INITVAL_34, INITVAL_33, INITVAL_32, INITVAL_31, INITVAL_30, INITVAL_2F, INITVAL_2E,
    INITVAL_2D, INITVAL_2C, INITVAL_2B, INITVAL_2A, INITVAL_29, INITVAL_28, INITVAL_27, INITVAL_26, INITVAL_25,
    INITVAL_24, INITVAL_23, INITVAL_22, INITVAL_21, INITVAL_20, INITVAL_1F, INITVAL_1E, INITVAL_1D, INITVAL_1C,
    INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18, INITVAL_17, INITVAL_16, INITVAL_15, INITVAL_14, INITVAL_13,
    INITVAL_12, INITVAL_11, INITVAL_10, INITVAL_0F, INITVAL_0E, INITVAL_0D, INITVAL_0C, INITVAL_0B, INITVAL_0A,
    INITVAL_09, INITVAL_08, INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04, INITVAL_03, INITVAL_02, INITVAL_01,
    INITVAL_00
  };
  localparam WIDE_WRITE = DATA_WIDTH_A == 36, WIDE_READ = DATA_WIDTH_B == 36;
  localparam STEP_A = low_bits(DATA_WIDTH_A), STEP_B = low_bits(DATA_WIDTH_B);
  localparam STEP = STEP_A > STEP_B ? STEP_A : STEP_B;

  // Bits of an address that lie within a port's word.
  function integer low_bits(input integer width);
    low_bits = width == 36 ? 5 : width == 18 ? 4 : width == 9 ? 3 : width == 4 ? 2 : width == 2 ? 1 : 0;
  endfunction

  reg [17:0] mem[0:1023];
  reg [35:0] read_a, read_b;
  integer k;
  initial begin
    for (k = 0; k < 1024; k = k + 1) mem[k] = INIT[20*k+:18];
    read_a = 0;
    read_b = 0;
    if (REGMODE_A != "NOREG" || REGMODE_B != "NOREG" || CLKAMUX != "CLKA" || CLKBMUX != "CLKB"
        || CSDECODE_A != "0b000" || CSDECODE_B != "0b000" || DATA_WIDTH_A == 36 && WRITEMODE_A != "NORMAL") begin
      $display("DP16KD: there is no model of this mode");
      $finish;
    end
  end

  wire [13:0] address_a = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
  wire [13:0] address_b = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0};
  wire [17:0] input_a = {
    DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2,
    DIA1, DIA0
  };
  wire [17:0] input_b = {
    DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2,
    DIB1, DIB0
  };
  wire [17:0] output_a = WIDE_READ ? read_b[17:0] : read_a[17:0];
  wire [17:0] output_b = WIDE_READ ? read_b[35:18] : read_b[17:0];
  assign {
    DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2,
    DOA1, DOA0
  } = output_a;
  assign {
    DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2,
    DOB1, DOB0
  } = output_b;

  function [35:0] look(input integer width, input [13:0] address);
    case (width)
      36: look = {mem[{address[13:5], 1'b1}], mem[{address[13:5], 1'b0}]};
      18: look = mem[address[13:4]];
      9: look = mem[address[13:4]][9*address[3]+:9];
      4: look = mem[address[13:4]][9*address[3]+4*address[2]+:4];
      2: look = mem[address[13:4]][9*address[3]+2*address[2:1]+:2];
      default: look = mem[address[13:4]][9*address[3]+address[2:0]+:1];
    endcase
  endfunction

  // Ports of 18 and 36 bits have a write enable for each 9 bits in the lowest bits of the address.
  task put(input integer width, input [13:0] address, input [35:0] data);
    case (width)
      36: begin
        if (address[0]) mem[{address[13:5], 1'b0}][8:0] <= data[8:0];
        if (address[1]) mem[{address[13:5], 1'b0}][17:9] <= data[17:9];
        if (address[2]) mem[{address[13:5], 1'b1}][8:0] <= data[26:18];
        if (address[3]) mem[{address[13:5], 1'b1}][17:9] <= data[35:27];
      end
      18: begin
        if (address[0]) mem[address[13:4]][8:0] <= data[8:0];
        if (address[1]) mem[address[13:4]][17:9] <= data[17:9];
      end
      9: mem[address[13:4]][9*address[3]+:9] <= data[8:0];
      4: mem[address[13:4]][9*address[3]+4*address[2]+:4] <= data[3:0];
      2: mem[address[13:4]][9*address[3]+2*address[2:1]+:2] <= data[1:0];
      default: mem[address[13:4]][9*address[3]+address[2:0]+:1] <= data[0];
    endcase
  endtask

  wire write_a = CEA & WEA & (STEP_A < 4 | (address_a[3:0] & (WIDE_WRITE ? 4'hf : 4'h3)) != 0);
  wire write_b = CEB & WEB & (STEP_B < 4 | (address_b[3:0] & 4'h3) != 0);
  wire meet = address_a >> STEP == address_b >> STEP;

  always @(posedge CLKA) begin
    if (CEA & (!WEA | WRITEMODE_A == "READBEFOREWRITE"))
      read_a <= meet & write_b ? 36'bx : look(DATA_WIDTH_A, address_a);
    else if (CEA & WRITEMODE_A == "WRITETHROUGH") read_a <= {18'd0, input_a};
    if (RSTA) read_a <= 0;
    if (write_a) put(DATA_WIDTH_A, address_a, {input_b, input_a});
  end
  always @(posedge CLKB) begin
    if (CEB & (!WEB | WRITEMODE_B == "READBEFOREWRITE"))
      read_b <= meet & write_a ? 36'bx : look(DATA_WIDTH_B, address_b);
    else if (CEB & WRITEMODE_B == "WRITETHROUGH") read_b <= {18'd0, input_b};
    if (RSTB) read_b <= 0;
    if (write_b) put(DATA_WIDTH_B, address_b, {18'd0, input_b});
  end
endmodule

// Multiplier of 18 by 18 bits without its registers; C is the second addend's in other modes.
module MULT18X18D (
    input A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0,
    input B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0,
    input C17, C16, C15, C14, C13, C12, C11, C10, C9, C8, C7, C6, C5, C4, C3, C2, C1, C0,
    input SIGNEDA, SIGNEDB, SOURCEA, SOURCEB,
    output P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17, P16,
        P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
);
  wire signed [18:0] a = {SIGNEDA & A17, A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0};
  wire signed [18:0] b = {SIGNEDB & B17, B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0};
  wire signed [37:0] product = a * b;
  assign {
    P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17, P16, P15,
    P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
  } = product[35:0];
endmodule

// Output of both edges: D0 while the clock is high, D1 while it is low. Silicon takes two cycles more.
module ODDRX1F (
    input SCLK, RST, D0, D1,
    output Q
);
  reg high = 0, low = 0;
  always @(posedge SCLK) begin
    high <= D0;
    low  <= D1;
  end
  assign Q = SCLK ? high : low;
endmodule

// Global buffer, always enabled.
module DCCA (
    input CLKI, CE,
    output CLKO
);
  assign CLKO = CLKI;
  always @(CE)
    if (CE === 1'b0) begin
      $display("DCCA: there is no model of this mode");
      $finish;
    end
endmodule

// The PLL gives the clock on as it comes, whatever its dividers: nothing here depends on time. It locks after 8 cycles.
module EHXPLLL (
    input CLKI, CLKFB, PHASESEL1, PHASESEL0, PHASEDIR, PHASESTEP, PHASELOADREG, STDBY, PLLWAKESYNC, RST, ENCLKOP,
    output CLKOP,
    output LOCK
);
  parameter CLKI_DIV = 1, CLKFB_DIV = 1, CLKOP_DIV = 8, CLKOP_CPHASE = 0, CLKOP_FPHASE = 0;
  parameter CLKOP_ENABLE = "ENABLED", FEEDBK_PATH = "CLKOP", OUTDIVIDER_MUXA = "DIVA", PLLRST_ENA = "DISABLED";
  parameter INTFB_WAKE = "DISABLED", STDBY_ENABLE = "DISABLED", DPHASE_SOURCE = "DISABLED";
  reg [3:0] cycles = 0;
  always @(posedge CLKI) cycles <= cycles + !LOCK;
  assign CLKOP = CLKI;
  assign LOCK  = cycles[3];
endmodule
