"""`tessera history`: recorded figures over commits."""

from __future__ import annotations

from pathlib import Path

import click

from sim.commands.options import OutputFile, json_option
from sim.compare.history import draw, series
from sim.compare.history import history as recorded_history
from sim.compare.regress import FIGURES, RECORD
from sim.compare.value import place
from sim.kernel.console import out, show_json, show_table
from sim.kernel.folders import BUILD


@click.command()
@click.option(
    "--out", "picture", default=BUILD / "compare" / "history.png", type=OutputFile(),
    help="Picture of every figure over commits. [default: build/compare/history.png]",
)  # fmt: skip
@json_option
def history(picture: Path, as_json: bool) -> None:
    """Show recorded figures over commits.

    They are those of docs/regress.json in every commit that changed it (`tessera regress --update`).
    """
    moments = recorded_history(RECORD)
    draw(moments, picture)
    if as_json:
        show_json([vars(moment) for moment in moments])
    rows = [
        (
            case,
            name,
            *(f"{value:g}" for value in (known[0], known[-1])),
            f"{known[-1] / known[0]:.4f}" if known[0] else "–",
        )
        for name in FIGURES
        for case, values in series(moments, name).items()
        if (known := [value for value in values if value is not None])
    ]
    first, last = moments[0], moments[-1]
    title = f"from commit {first.commit} ({first.date}) to {last.commit} ({last.date}), {len(moments)} in all"
    show_table(title, ("workload", "figure", "first", "last", "last / first"), rows, left=("figure",))
    out.print(place(picture), markup=False)
