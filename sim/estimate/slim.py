"""What mapping and timing read of a library, as one liberty file: cells that may be used, without power tables.

ASAP7's five files of 46 MB become one of 8 MB, which abc reads in a tenth of the time, once for every module.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from sim.estimate.liberty import Cell, Group, Library

#: Groups that are kept, and what is inside them; all others (power, noise, waveforms) are left out.
_GROUPS = {
    "cell", "pin", "timing", "ff", "lu_table_template", "cell_rise", "cell_fall", "rise_transition", "fall_transition",
    "rise_constraint", "fall_constraint",
}  # fmt: skip
#: Attributes that are kept and written `name (arguments) ;`.
_COMPLEX = {"capacitive_load_unit", "index_1", "index_2", "index_3", "values"}
#: Attributes that are kept and written `name : value ;`.
_SIMPLE = {
    "time_unit", "voltage_unit", "current_unit", "leakage_power_unit", "pulling_resistance_unit", "delay_model",
    "nom_process", "nom_voltage", "nom_temperature", "slew_derate_from_library", "default_max_transition",
    "slew_lower_threshold_pct_rise", "slew_lower_threshold_pct_fall", "slew_upper_threshold_pct_rise",
    "slew_upper_threshold_pct_fall", "input_threshold_pct_rise", "input_threshold_pct_fall",
    "output_threshold_pct_rise", "output_threshold_pct_fall", "variable_1", "variable_2", "variable_3",
    "area", "cell_leakage_power", "next_state", "clocked_on", "clear", "preset", "clear_preset_var1",
    "clear_preset_var2", "direction", "function", "capacitance", "max_capacitance", "max_transition", "clock",
    "related_pin", "timing_sense", "timing_type", "when",
}  # fmt: skip
_BARE = re.compile(r"[-+0-9.eE]+|true|false|[a-z]+_[a-z_]+|input|output|[LHNTX]")
_SPACE = re.compile(r"[\s\\]+")
_TEXTS = {"related_pin", "function", "next_state", "clocked_on", "clear", "preset", "when"}


def is_usable(cell: Cell) -> bool:
    """Whether mapping may choose the cell: a gate or flip-flop without scan, latch, clock gate or third state."""
    group = cell.group
    refused = {"dont_use", "clock_gating_integrated_cell", "is_level_shifter", "is_isolation_cell", "pad_cell"}
    if cell.is_latch or any(group.attributes.get(name, "false") != "false" for name in refused):
        return False
    if list(group.all("test_cell", "statetable")) or cell.state.endswith("_bank"):
        return False
    if any("three_state" in pin.group.attributes or pin.direction == "inout" for pin in cell.pins.values()):
        return False
    return bool(cell.outputs) and all(pin.function for pin in cell.outputs)


def usable_cells(library: Library, unused: Iterable[str] = ()) -> dict[str, Cell]:
    """The cells that mapping may choose; `unused` are patterns of names that it may not."""
    patterns = tuple(unused)
    return {
        name: cell
        for name, cell in library.cells.items()
        if is_usable(cell) and not any(fnmatchcase(name, pattern) for pattern in patterns)
    }


def slim_text(library: Library, cells: Iterable[str]) -> str:
    """One liberty file with these cells of the library."""
    chosen = set(cells)
    head = library.trees[0]
    lines = [f"library ({library.name}) {{", *_attributes(head)]
    for tree in library.trees:
        for group in tree.groups:
            if group.name == "lu_table_template" and (tree is head or not _has_template(head, group)):
                lines += _lines(group)
    for name, cell in library.cells.items():
        if name in chosen:
            lines += _lines(cell.group)
    return "\n".join([*lines, "}", ""])


def _has_template(head: Group, template: Group) -> bool:
    return any(known.arguments == template.arguments for known in head.all("lu_table_template"))


def _lines(group: Group) -> Iterator[str]:
    yield f"{group.name} ({', '.join(map(_argument, group.arguments))}) {{"
    yield from _attributes(group)
    for inner in group.groups:
        if inner.name in _GROUPS:
            yield from _lines(inner)
    yield "}"


def _argument(word: str) -> str:
    return word if re.fullmatch(r"\w+", word) else f'"{word}"'


def _attributes(group: Group) -> Iterator[str]:
    for name, value in group.attributes.items():
        if name in _COMPLEX:
            yield f"{name} ({_SPACE.sub(' ', value)});"
        elif name in _SIMPLE:
            bare = name not in _TEXTS and _BARE.fullmatch(value)
            yield f"{name} : {value};" if bare else f'{name} : "{value}";'
