"""What other people's tools read: constraints, file list, core description."""

from __future__ import annotations

MEGAHERTZ = 60  # what every block reaches on ECP5
SHARE = 0.3  # of the period, for what lies outside


def constraints(module: str) -> str:
    """A clock, and time for what lies around the engine: SDC, whose commands Vivado reads as XDC too."""
    period = 1000 / MEGAHERTZ
    return (
        f"# {module}: one clock. A template: set the period to yours, and the delays to what lies around the engine.\n"
        "# OpenSTA, Quartus, Genus and others read this as SDC; Vivado reads the same commands as XDC.\n"
        f"create_clock -name clk -period {period:.3f} [get_ports clk]\n"
        f"set_input_delay -clock clk {SHARE * period:.3f} [all_inputs -no_clocks]\n"
        f"set_output_delay -clock clk {SHARE * period:.3f} [all_outputs]\n"
        "# rst is synchronous: it needs no exception, only a register of yours before it.\n"
    )


def file_list(module: str) -> str:
    """For tools that take `-f`: paths from the package's folder on."""
    return f"rtl/{module}.v\n"


def core_file(module: str, version: str, title: str) -> str:
    """For FuseSoC: the RTL, its constraints, and a lint."""
    return f"""\
CAPI=2:
name: "tessera:engines:{module}:{version}"
description: "{title}"

filesets:
  rtl:
    files:
      - rtl/{module}.v: {{file_type: verilogSource}}
  constraints:
    files:
      - constraints/{module}.sdc: {{file_type: SDC}}

targets:
  default: &default
    filesets: [rtl]
    toplevel: {module}
  synth:
    <<: *default
    filesets: [rtl, constraints]
  lint:
    <<: *default
    default_tool: verilator
    tools:
      verilator:
        mode: lint-only
        verilator_options: [-Wall]
"""
