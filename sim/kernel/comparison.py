"""Cycle counts of reports beside measured baselines of the same workload."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from golden.errors import InputError
from sim.kernel.baseline import load


def comparison_rows(report: dict[str, Any], clock_ghz: float = 1.0) -> list[tuple[str, str, str, str, str]]:
    """A row for the RTL's run, and one for every measured baseline of the same workload.

    A baseline's workload is the same if all that it names has the report's value.
    """
    workload = report["workload"]
    milliseconds = report["cycles"] / clock_ghz / 1e6
    matching = [
        (record["device"]["name"], entry)
        for record in load(report["engine"])
        for entry in record["entries"]
        if all(workload.get(name) == value for name, value in entry["workload"].items())
    ]
    known = matching[0][1]["workload"] if matching else {k: v for k, v in workload.items() if isinstance(v, str | int)}
    label = " ".join(str(value) for value in known.values())
    pauses = report["memory"].get("stalls", 0)
    rtl = f"RTL at {clock_ghz:g} GHz" + (f", memory pauses {pauses}/256" if pauses else "")
    rows = [(rtl, "cycles measured, clock assumed", label, f"{milliseconds:.3f}", "1")]
    for device, entry in matching:
        ratio = f"{entry['median_ms'] / milliseconds:.1f}"
        rows.append((device, "measured", label, f"{entry['median_ms']:.3f}", ratio))
    return rows


def read_report(path: Path) -> dict[str, Any]:
    """A report.

    Raises:
        InputError: it is no JSON object, or one with cycles that lacks the rest of a run.
    """
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # not UTF-8 or not JSON
        raise InputError(f"{path}: a report is JSON: {error}") from error
    if not isinstance(report, dict) or (report.get("cycles") and not {"engine", "workload", "memory"} < set(report)):
        raise InputError(f"{path}: a report is an object with `engine`, `cycles`, `workload` and `memory`")
    return report
