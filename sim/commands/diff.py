"""`tessera diff`: two reports beside each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sim.commands.options import json_option
from sim.kernel.comparison import read_report
from sim.kernel.console import out, show_json, show_table
from sim.kernel.report_diff import report_rows


@click.command()
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@click.option("--all", "everything", is_flag=True, help="Show equal values too.")
@json_option
def diff(first: Path, second: Path, everything: bool, as_json: bool) -> None:
    """Show in what two reports of one engine differ.

    FIRST and SECOND are JSON files of runs: config, cycles, bound, counters, bytes and quality are compared.
    """
    rows = report_rows(read_report(first), read_report(second))
    chosen = [row for row in rows if everything or row.differs]
    if as_json:
        show_json([{"key": r.key, "first": r.first, "second": r.second, "ratio": r.ratio} for r in chosen])
    if chosen:
        show_table(
            f"{first} and {second}",
            ("value", "first", "second", "second / first"),
            ((r.key, _shown(r.first), _shown(r.second), "" if r.ratio is None else f"{r.ratio:.4g}") for r in chosen),
        )
    out.print(f"{sum(row.differs for row in rows)} of {len(rows)} values differ")


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
