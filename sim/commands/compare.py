"""`tessera compare`: cycle counts beside baselines."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from golden.errors import InputError
from sim.commands.options import json_option
from sim.compare.published import claims_of
from sim.engines import ENGINES
from sim.kernel.comparison import HEAD, Figure, baseline_figures, read_report, rtl_figures
from sim.kernel.console import out, show_json, show_table
from sim.kernel.runner import BUILD


@click.command()
@click.argument("reports", nargs=-1, type=click.Path(path_type=Path))
@click.option("--clock", default=1.0, show_default=True, help="Assumed clock of the RTL, in GHz.")
@json_option
def compare(reports: tuple[Path, ...], clock: float, as_json: bool) -> None:
    """Show the times of reports beside those of other devices.

    REPORTS are JSON files of runs; without any, all under build/ are shown. Cycles are measured in simulation and
    become a time by the clock that --clock assumes. Beside each report stand the measured times of the same workload
    (`tessera baseline` adds this machine's), and below them published figures.
    """
    if not 0 < clock <= 100:
        raise InputError(f"--clock must lie in 0..100 GHz and not be 0, it is {clock:g}")
    paths = list(reports) or sorted(BUILD.glob("*/report*.json"))
    shown: set[str] = set()
    figures: list[Figure] = []
    for path in paths:
        report = read_report(path)
        if report.get("cycles"):
            figures += [*rtl_figures(report, clock), *baseline_figures(report, clock)]
            shown.add(report["engine"])
    if as_json:
        show_json([asdict(figure) for figure in figures])
    if figures:
        show_table("time of the same workload", HEAD, (figure.row() for figure in figures))
    else:
        out.print("no report with cycles yet: run `make demo` or `tessera sim` first")
    for engine in sorted(shown or ENGINES):
        show_table(
            f"{engine}: published, other scenes and sizes, for orientation",
            ("design", "quantity", "value", "workload", "source"),
            ((c.design, c.quantity, c.value, c.workload, c.provenance) for c in claims_of(engine)),
            left=("quantity", "value", "workload", "source"),
        )
