"""`tessera compare`: cycle counts beside baselines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from sim.baselines.record import load, published
from sim.console import out, show_table
from sim.engines import ENGINES
from sim.runner import BUILD


def comparison_rows(report: dict[str, Any], clock_ghz: float = 1.0) -> list[tuple[str, str, str, str, str]]:
    """One row for the RTL's frame and one per measured baseline of the same workload."""
    workload = report["workload"]
    key = {name: workload.get(name) for name in ("scene", "view", "size")}
    milliseconds = report["cycles"] / clock_ghz / 1e6
    rows = [
        (
            f"RTL at {clock_ghz:g} GHz",
            "cycles measured, clock assumed",
            str(workload["scene"]),
            f"{milliseconds:.3f}",
            "1",
        )
    ]
    for record in load(report["engine"]):
        for entry in record["entries"]:
            if all(entry["workload"].get(name) == value for name, value in key.items()):
                ratio = entry["median_ms"] / milliseconds
                rows.append(
                    (
                        record["device"]["name"],
                        "measured",
                        entry["workload"]["scene"],
                        f"{entry['median_ms']:.3f}",
                        f"{ratio:.1f}",
                    )
                )
    return rows


@click.command()
@click.argument("reports", nargs=-1, type=click.Path(path_type=Path))
def compare(reports: tuple[Path, ...]) -> None:
    """Show the cycle counts of REPORTS (default: all under build/) beside measured and published figures."""
    paths = list(reports) or sorted(BUILD.glob("*/report*.json"))
    shown: set[str] = set()
    rows: list[tuple[str, str, str, str, str]] = []
    for path in paths:
        report = json.loads(path.read_text())
        if report.get("cycles"):
            rows += comparison_rows(report)
            shown.add(report["engine"])
    if rows:
        show_table("time of a frame", ("device", "kind", "scene", "ms", "× RTL"), rows)
    else:
        out.print("no report with cycles yet: run `make demo` or `tessera sim` first")
    for engine in sorted(shown or ENGINES):
        show_table(
            f"{engine}: published, other scenes and sizes, for orientation",
            ("design", "figure", "source"),
            ((p["design"], p["what"], p["source"]) for p in published(engine)),
        )
