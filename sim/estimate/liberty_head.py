"""How a liberty file of the project's own begins."""

from __future__ import annotations

from collections.abc import Sequence


def liberty_head(name: str, *, voltage: float, slew: Sequence[int]) -> str:
    """Units (ps, fF, nW) and thresholds, without the library's closing brace; `slew` lies between two percentages."""
    low, high = slew
    edges = [
        f"{kind}_pct_{edge} : {percent};"
        for kind, percent in (
            ("input_threshold", 50), ("output_threshold", 50),
            ("slew_lower_threshold", low), ("slew_upper_threshold", high),
        )
        for edge in ("rise", "fall")
    ]  # fmt: skip
    lines = [
        "delay_model : table_lookup;",
        'time_unit : "1ps";',
        'voltage_unit : "1V";',
        'current_unit : "1uA";',
        'leakage_power_unit : "1nW";',
        'pulling_resistance_unit : "1kohm";',
        "capacitive_load_unit (1, ff);",
        f"nom_process : 1; nom_voltage : {voltage:g}; nom_temperature : 25;",
        *edges,
    ]
    return "\n".join([f"library ({name}) {{", *(f"  {line}" for line in lines)])
