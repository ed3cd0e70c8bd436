"""`tessera regress`: figures that may not grow worse unnoticed."""

from __future__ import annotations

import click

from sim.commands.options import json_option
from sim.compare.comparison import FOLDER, run_missing
from sim.compare.regress import MOST_WORSE, RECORD, changes, figures_now, recorded, unmatched, update
from sim.compare.value import place
from sim.kernel.console import out, show_json, step, warn
from sim.kernel.synth import TargetMissedError


@click.command()
@click.option("--update", "on_purpose", is_flag=True, help="Record today's figures, on purpose.")
@json_option
def regress(on_purpose: bool, as_json: bool) -> None:
    """Fail if figures are worse than recorded.

    They are cycles, bytes, area and useful share. The small workloads of the comparison run in RTL where their reports
    are not of this commit, and stand beside docs/regress.json: a figure that is worse by more than 1 % fails with
    status 3. Areas are those of `tessera estimate`, where it has run.
    """
    before = {} if on_purpose else recorded(RECORD)
    run_missing(step)
    now = figures_now(FOLDER)
    if on_purpose:
        update(RECORD, now)
        out.print(f"{len(now)} workloads: {place(RECORD)} is written")
        return
    found = sorted(changes(before, now), key=lambda change: -change.worse)
    if as_json:
        show_json([{**vars(change), "worse": change.worse} for change in found])
    for line in unmatched(before, now):
        warn(f"{line}: `tessera regress --update` records what runs")
    for change in found:
        out.print(str(change), markup=False)
    worse = [change for change in found if change.worse > MOST_WORSE]
    if worse:
        raise TargetMissedError(
            f"{len(worse)} figures are worse by more than {MOST_WORSE:.0%}, the first is {worse[0]}; "
            "`tessera regress --update` records them on purpose"
        )
    out.print(f"{len(now)} workloads: no figure is worse by more than {MOST_WORSE:.0%}")
