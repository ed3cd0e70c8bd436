"""How the way to a board is named on the command line."""

from __future__ import annotations

SIMULATED = "sim"  #: in place of a serial port: a board in simulation
BAUD = 2_000_000  #: bits a second: a whole part of the boards' clocks of 48 and 50 MHz
BAUDS = (300, 12_000_000)  #: the slowest and the fastest that serial ports have
