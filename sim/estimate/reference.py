"""A unit's own RTL for a four-valued simulator: it says which bits of a run mean something.

A run in Verilator has no unknown bits: what nothing has written is random. The netlist of a memory whose rows always
get a 1 in some column has a constant there, and differs from the run as long as no row was written. In Icarus Verilog
the RTL shows x for such bits, and a netlist may have anything where its RTL has x.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hw.yosys import run_yosys

MODULE = "reference"
_CLOCK = re.compile(r"^  input (?:wire )?clk ?;$", re.M)


@dataclass(frozen=True)
class Reference:
    """The module `reference`: the unit's ports, and those of units below it the other way round."""

    verilog: str
    clocked: bool


def reference(rtlil: str, name: str) -> Reference:
    """Of the unit `name`, whose units below are black boxes in `rtlil`.

    Selections become multiplexers, which pass an unknown choice between different bits on as unknown.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "unit.il", Path(folder) / "unit.v"
        source.write_text(rtlil)
        run_yosys(
            [
                f"read_rtlil {source}",
                f"hierarchy -top {name}",
                "proc",
                "pmuxtree",
                "flatten",
                f"expose -evert -sep . {name}/c:*",  # cells alone: it would expose every wire
                "clean",
                "memory_collect",
                f"rename {name} {MODULE}",
                f"select {MODULE}",
                f"write_verilog -selected -norename -noattr {target}",
            ]
        )
        text = target.read_text()
    return Reference(text, bool(_CLOCK.search(text)))
