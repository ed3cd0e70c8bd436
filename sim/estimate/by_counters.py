"""Energy by the hardware's counters: how often a unit did its work, times the energy of the operators in it.

Operators are those of the RTL, at the prices of `constants`. A register pays for each cycle, as does a memory that is
made of flip-flops; another memory pays for a read and a write each time that its unit works. This is the coarse way,
for sweeps: it needs no waves and no netlist.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sim.estimate.constants import sram_read_pj, sram_write_pj, value
from sim.estimate.gate_level import PICO, access_factor
from sim.estimate.hierarchy import MACRO, Unit, split
from sim.kernel.sample import Events

_CELL = re.compile(r"^  cell (\$\w+) \S+\n((?:    .*\n)*)", re.M)
_WIDTH = re.compile(r"parameter (?:signed )?\\(A_WIDTH|B_WIDTH|Y_WIDTH|WIDTH) (?:32')?(\d+)$", re.M)
_MEMORY = re.compile(rf"^(  attribute \\{MACRO} 1\n)?  memory width (\d+) size (\d+) (\S+)$", re.M)
_WRITTEN = re.compile(r'^  cell \$memwr_v2 \S+\n(?:    .*\n)*?    parameter \\MEMID "(\S+)"', re.M)
_PART = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)*")  # between dots, double underscores and numbers behind a dollar
_KINDS = {
    **dict.fromkeys(("$add", "$sub", "$neg"), "add"),
    **dict.fromkeys(("$lt", "$le", "$gt", "$ge", "$eq", "$ne"), "compare"),
    **dict.fromkeys(("$shl", "$shr", "$sshl", "$sshr", "$shift", "$shiftx"), "shift"),
    **dict.fromkeys(("$and", "$or", "$xor", "$not", "$mux"), "logic"),
}
_REGISTERS = ("$dff", "$sdff", "$dffe", "$sdffe")


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a unit holds, in picojoules at 45 nm."""

    each_pj: float  #: of its operators and memories, each used once
    registers: int  #: bits


def work_of(unit: Unit) -> Work:
    """Of a unit without those below it."""
    own = unit.rtlil.split("attribute \\blackbox 1")[0]
    each = registers = 0.0
    for kind, body in _CELL.findall(own):
        widths = {name: int(width) for name, width in _WIDTH.findall(body)}
        if kind in _REGISTERS:
            registers += widths["WIDTH"]
        elif kind == "$mul":
            each += value("multiply") * widths["A_WIDTH"] * widths["B_WIDTH"]
        elif kind in _KINDS:
            each += value(_KINDS[kind]) * max(widths.values())
    written = {name.replace("\\\\", "\\") for name in _WRITTEN.findall(own)}
    for macro, width, depth, name in _MEMORY.findall(own):
        bits = int(width) * int(depth)
        if macro:
            each += sram_read_pj(bits) + sram_write_pj(bits, int(width))
        elif name in written:
            registers += bits
    return Work(each_pj=each, registers=int(registers))


def counted_joules(rtlil: str, top: str, events: Events, cycles: int, node_nm: int | None) -> dict[str, float]:
    """Joules by unit, all its instances together.

    Args:
        events: how often the units of a block worked, all together; of a block that is not named, as often as "".
    """
    factor = PICO * access_factor(node_nm)
    found: dict[str, float] = {}
    units = split(rtlil, top)
    counts = _counts(units)
    for name, unit in units.items():
        work = work_of(unit)
        times = min(_times(name, events), cycles * counts[name])
        clocked = value("register") * work.registers * cycles * counts[name]
        found[name] = factor * (times * work.each_pj + clocked)
    return found


def _counts(units: Mapping[str, Unit]) -> Counter[str]:
    """How often each stands in the last one."""
    counts: Counter[str] = Counter({list(units)[-1]: 1})
    for name, unit in reversed(units.items()):
        for child, number in unit.children.items():
            counts[child] += number * counts[name]
    return counts


def _times(name: str, events: Events) -> float:
    """By the innermost part of the name that events know."""
    parts: Iterable[str] = reversed(_PART.findall(name))
    return next((events[part] for part in parts if part in events), events[""])
