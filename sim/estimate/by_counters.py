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

_MODULE = re.compile(r"^module (\S+)\n.*?^end$", re.M | re.S)
_INSTANCE = re.compile(r"^  cell (\\\S+) \S+$", re.M)
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
    """Of a unit without those below it; a module that is dissolved into it counts as often as it stands there."""
    own = unit.rtlil.split("attribute \\blackbox 1")[0]
    modules = {found[1]: found[0] for found in _MODULE.finditer(own)}

    def total(name: str) -> Work:
        parts = [total(kind) for kind in _INSTANCE.findall(modules[name]) if kind in modules]
        work = _own_work(modules[name])
        return Work(
            each_pj=work.each_pj + sum(part.each_pj for part in parts),
            registers=work.registers + sum(part.registers for part in parts),
        )

    return total(f"\\{unit.name}")


def _own_work(module: str) -> Work:
    """Of a module alone."""
    each = registers = 0.0
    for kind, body in _CELL.findall(module):
        widths = {name: int(width) for name, width in _WIDTH.findall(body)}
        if kind in _REGISTERS:
            registers += widths["WIDTH"]
        elif kind == "$mul":
            each += value("multiply") * widths["A_WIDTH"] * widths["B_WIDTH"]
        elif kind in _KINDS:
            each += value(_KINDS[kind]) * max(widths.values())
    written = {name.replace("\\\\", "\\") for name in _WRITTEN.findall(module)}
    for macro, width, depth, name in _MEMORY.findall(module):
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
    for name in reversed(list(units)):
        for child, number in units[name].children.items():
            counts[child] += number * counts[name]
    return counts


def _times(name: str, events: Events) -> float:
    """By the innermost part of the name that events know."""
    parts: Iterable[str] = reversed(_PART.findall(name))
    return next((events[part] for part in parts if part in events), events[""])
