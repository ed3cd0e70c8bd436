"""External memory, as a Verilog model inside the simulation."""
