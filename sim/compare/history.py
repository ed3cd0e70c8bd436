"""The recorded figures over commits: docs/regress.json as git keeps it."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from golden.errors import InputError
from sim.compare.regress import FIGURES, Figures, parse
from sim.kernel.files import whole_file


@dataclass(frozen=True, kw_only=True)
class Moment:
    """What a commit recorded."""

    commit: str  #: the first 12 digits
    date: str  #: of its commit
    figures: Figures


def history(record: Path) -> list[Moment]:
    """Every commit that changed the record, the oldest first; versions that cannot be read are left out.

    Raises:
        InputError: the record is in no git checkout, or no commit has it.
    """
    lines = _git(record, "log", "--reverse", "--format=%H %cs", "--", record.name).split("\n")
    found: list[Moment] = []
    for commit, date in (line.split() for line in lines if line):
        with suppress(InputError):  # one that was removed, or of another schema
            text = _git(record, "show", f"{commit}:./{record.name}")
            found.append(Moment(commit=commit[:12], date=date, figures=parse(text, commit)))
    if not found:
        raise InputError(f"{record}: no commit has recorded figures: commit it after `tessera regress --update`")
    return found


def series(moments: Sequence[Moment], figure: str) -> dict[str, list[float | None]]:
    """Of every case that ever had it, the figure at each moment; None where it had none."""
    cases = dict.fromkeys(case for moment in moments for case in moment.figures)
    found = {case: [moment.figures.get(case, {}).get(figure) for moment in moments] for case in cases}
    return {case: values for case, values in found.items() if any(value is not None for value in values)}


def draw(moments: Sequence[Moment], path: Path) -> None:
    """A row of axes for each figure, over commits: every case relative to its first value."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    shown = [figure for figure in FIGURES if series(moments, figure)]
    figure, axes = pyplot.subplots(len(shown), 1, figsize=(9, 2.4 * len(shown) + 0.8), sharex=True, squeeze=False)
    places = range(len(moments))
    colours = {case: f"C{k}" for k, case in enumerate(series(moments, shown[0]))}  # a case's, whatever the axes lack
    for axis, name in zip(axes[:, 0], shown, strict=True):
        for case, values in series(moments, name).items():
            first = next(value for value in values if value is not None)
            relative = [None if value is None or not first else value / first for value in values]
            axis.plot(
                places,
                [float("nan") if v is None else v for v in relative],
                "o-",
                markersize=4,
                label=case,
                color=colours.get(case),
            )
        axis.set_ylabel(f"{name.replace('_', ' ')},\nover the first", fontsize=9)
        axis.grid(alpha=0.3)
    axes[0, 0].legend(fontsize=7, ncol=3, loc="lower left", bbox_to_anchor=(0, 1.02))
    axes[-1, 0].set_xticks(places, [f"{m.commit[:7]}\n{m.date}" for m in moments], fontsize=7)
    with whole_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=100, bbox_inches="tight")
    pyplot.close(figure)


def _git(record: Path, *arguments: str) -> str:
    command = ["git", "-C", str(record.parent), *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        reason = error.stderr.strip() if isinstance(error, subprocess.CalledProcessError) else error
        raise InputError(f"{record}: its history must lie in git: {reason}") from error
