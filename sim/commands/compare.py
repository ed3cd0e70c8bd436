"""`tessera compare`: cycle counts beside baselines."""

from __future__ import annotations

from pathlib import Path

import click

from sim.engines import ENGINES
from sim.kernel.baseline import published
from sim.kernel.comparison import comparison_rows, read_report
from sim.kernel.console import out, show_table
from sim.kernel.runner import BUILD


@click.command()
@click.argument("reports", nargs=-1, type=click.Path(path_type=Path))
def compare(reports: tuple[Path, ...]) -> None:
    """Show the cycle counts of REPORTS (default: all under build/) beside measured and published figures."""
    paths = list(reports) or sorted(BUILD.glob("*/report*.json"))
    shown: set[str] = set()
    rows: list[tuple[str, str, str, str, str]] = []
    for path in paths:
        report = read_report(path)
        if report.get("cycles"):
            rows += comparison_rows(report)
            shown.add(report["engine"])
    if rows:
        show_table("time of the same workload", ("device", "kind", "workload", "ms", "× RTL"), rows)
    else:
        out.print("no report with cycles yet: run `make demo` or `tessera sim` first")
    for engine in sorted(shown or ENGINES):
        show_table(
            f"{engine}: published, other scenes and sizes, for orientation",
            ("design", "figure", "source"),
            ((p["design"], p["what"], p["source"]) for p in published(engine)),
        )
