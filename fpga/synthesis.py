"""A top on a board to an ECP5 netlist, and what it takes of the device."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amaranth.lib import wiring

from fpga.board_top import BoardTop
from fpga.boards import Board, Device
from hw.lib.memory import open_collisions
from hw.yosys import run_yosys
from sim.kernel.console import detail
from sim.kernel.synth import TargetMissedError

TOP = "top"  # the netlist's module
#: Share of a device's multipliers that a design gets before its narrowest go into LUTs: all of them bind the placer.
MOST_DSP = 0.95
LEAST_BOOTH = 4  # bits of an operand that Yosys's `booth` takes
MARK = "narrow"  # attribute of the multiplications that go into LUTs
#: What Yosys does before it gives multiplications to multipliers: only then their widths are known.
COARSE = (
    f"hierarchy -top {TOP}", "proc", "flatten", "opt_expr", "opt_clean", "opt -nodffe -nosdff", "wreduce", "peepopt",
    "opt_clean", "share", "opt_expr", "opt_clean",
)  # fmt: skip
#: Places of look-up tables that a cell takes; a TRELLIS_DPR16X4 four, and the two through which it is written.
LUTS = {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6}
NAMES = {"lut": "look-up tables", "ff": "flip-flops", "bram": "block RAMs", "dsp": "multipliers"}
_PRODUCT = re.compile(r" *cell \$mul \S+\n((?: {4}.*\n)*)")  # in RTLIL, with its parameters

Widths = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Netlist:
    """What was synthesised, and what it takes."""

    json: Path  #: for nextpnr
    verilog: Path  #: the same cells, for simulation
    constraints: Path  #: pins and the oscillator's frequency
    lut: int  #: look-up tables, those of carry chains and memories included
    ff: int  #: flip-flops
    bram: int  #: DP16KD
    dsp: int  #: MULT18X18D
    dsp_in_lut: int  #: multiplications that would have been MULT18X18D, and are LUTs

    @property
    def used(self) -> dict[str, int]:
        """By the names of `Device`."""
        return {name: getattr(self, name) for name in NAMES}


def synthesise_top(top: wiring.Component, board: Board, folder: Path) -> Netlist:
    """Amaranth's platform, then Yosys `synth_ecp5`; files go to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {kind: folder / f"{TOP}.{kind}" for kind in ("il", "lpf", "coarse.il", "json", "v")}
    platform = board.platform()
    platform.add_resources(board.resources)
    design: Any = BoardTop(top=top, board=board)  # the stubs want a narrower `elaborate`
    files: Mapping[str, str | bytes] = platform.prepare(design, TOP, debug_verilog=False).files
    paths["il"].write_text(open_collisions(_text(files[f"{TOP}.il"])))
    paths["lpf"].write_text(_text(files[f"{TOP}.lpf"]))
    detail(f"{paths['il']} is being mapped by Yosys")
    run_yosys([f"read_rtlil {paths['il']}", *COARSE, f"write_rtlil {paths['coarse.il']}"])
    coarse = paths["coarse.il"].read_text()
    narrow = narrowest(multiplications(coarse), int(MOST_DSP * board.device.dsp))
    paths["coarse.il"].write_text(marked(coarse, narrow))
    run_yosys([
        f"read_rtlil {paths['coarse.il']}",
        *([f"booth a:{MARK}"] if narrow else []),
        f"synth_ecp5 -top {TOP}",
        f"write_json {paths['json']}",
        f"write_verilog -noattr {paths['v']}",
    ])  # fmt: skip
    cells = _cells(paths["json"])
    return Netlist(
        json=paths["json"], verilog=paths["v"], constraints=paths["lpf"],
        lut=sum(cells[cell] * places for cell, places in LUTS.items()),
        ff=cells["TRELLIS_FF"], bram=cells["DP16KD"], dsp=cells["MULT18X18D"],
        dsp_in_lut=sum(multipliers(pair) * count for pair, count in narrow.items()),
    )  # fmt: skip


def require_fit(netlist: Netlist, device: Device, what: str) -> None:
    """Raises: TargetMissedError: the device has too little of something; the message names it."""
    for name, used in netlist.used.items():
        if used > getattr(device, name):
            raise TargetMissedError(f"{what} does not fit: it needs {used} {NAMES[name]} of {getattr(device, name)}")


def multiplications(rtlil: str) -> Counter[Widths]:
    """How many multiplications of which widths there are."""
    return Counter(_widths(found[1]) for found in _PRODUCT.finditer(rtlil))


def multipliers(widths: Widths) -> int:
    """MULT18X18D that a multiplication takes: the first part of an operand has 18 bits, every other one 17."""
    a, b = (1 + max(0, -(-(width - 18) // 17)) for width in widths)
    return a * b


def narrowest(widths: Counter[Widths], limit: int) -> Counter[Widths]:
    """How many of which widths are taken out, the least product of both first, until `limit` multipliers are left."""
    left = sum(multipliers(pair) * count for pair, count in widths.items())
    taken = Counter[Widths]()
    for pair in sorted(widths, key=lambda pair: (pair[0] * pair[1], pair)):
        if left > limit and min(pair) >= LEAST_BOOTH:
            taken[pair] = min(widths[pair], -((limit - left) // multipliers(pair)))
            left -= multipliers(pair) * taken[pair]
    return taken


def marked(rtlil: str, chosen: Counter[Widths]) -> str:
    """The same design, the first so many multiplications of these widths with the attribute `MARK`."""
    left = chosen.copy()

    def mark(found: re.Match[str]) -> str:
        pair = _widths(found[1])
        left[pair] -= 1
        return found[0] if left[pair] < 0 else f"attribute \\{MARK} 1\n{found[0]}"

    return _PRODUCT.sub(mark, rtlil)


def _widths(body: str) -> Widths:
    return _parameter(body, "A_WIDTH"), _parameter(body, "B_WIDTH")


def _parameter(body: str, name: str) -> int:
    """Of a cell in RTLIL: a decimal number, or binary digits behind their count."""
    value = re.search(rf"parameter (?:signed )?\\{name} (\S+)", body)
    assert value, body
    _, tick, digits = value[1].rpartition("'")
    return int(digits, 2 if tick else 10)


def _cells(netlist: Path) -> Counter[str]:
    module = json.loads(netlist.read_text())["modules"][TOP]
    return Counter(cell["type"] for cell in module["cells"].values())


def _text(content: str | bytes) -> str:
    return content if isinstance(content, str) else content.decode()
