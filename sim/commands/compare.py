"""`tessera compare`: engines beside processors and publications, in a terminal, in files and on a page."""

from __future__ import annotations

from pathlib import Path

import click

from golden.errors import InputError
from sim.commands.options import json_option
from sim.compare.comparison import FOLDER, Comparison, pictures, run_missing
from sim.compare.comparison import compare as compared
from sim.compare.costs import LIBRARIES
from sim.compare.outputs import HEAD, LEFT, OWN_HEAD, csv_text, latex, own_table, remarks, table
from sim.compare.value import place
from sim.kernel.console import out, show_json, show_table, step, warn
from sim.kernel.files import require_writable, write_json, write_text

PAGE = "index.html"


@click.command()
@click.argument("reports", nargs=-1, type=click.Path(path_type=Path))
@click.option("--run", "run_first", is_flag=True, help="First run the small workloads whose reports are not there.")
@click.option("--library", metavar="NAME", help=f"Library whose clock and area count: {', '.join(LIBRARIES)}.")
@click.option("--clock", type=float, metavar="GHZ", help="Assume this clock, in GHz, in place of one that closes.")
@click.option(
    "-o", "--out", "folder", default=FOLDER, type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the page, JSON, CSV and LaTeX. [default: build/compare]",
)  # fmt: skip
@json_option
def compare(
    reports: tuple[Path, ...], run_first: bool, library: str | None, clock: float | None, folder: Path, as_json: bool
) -> None:
    """Show engines beside processors and publications.

    REPORTS are JSON files of runs; without any, those of the small workloads in build/compare/ count, which --run
    makes. Each has a row: cycles by simulation, the clock that closes and the library it closes in (`tessera estimate`,
    else the ECP5's that docs/ records), time, traffic, area; and the same workload on processors, measured or modelled.
    What is not known is a hole with its reason. docs/compare.md says how to read it.
    """
    if clock is not None and not 0 < clock <= 100:
        raise InputError(f"--clock must lie in 0..100 GHz and not be 0, it is {clock:g}")
    if clock and library:
        raise InputError("--clock assumes a clock, --library takes one that closes: give one of them")
    if reports and run_first:
        raise InputError("--run makes the reports that are compared: leave out REPORTS")
    require_writable(folder / PAGE)
    if run_first:
        run_missing(step)
    found = compared(reports, clock_mhz=1000 * clock if clock else None, library=library)
    files = _write(folder, found)
    if as_json:
        show_json(found.json())
    _show(found)
    out.print("\n".join(place(path) for path in files), markup=False)


def _write(folder: Path, found: Comparison) -> list[Path]:
    """The page, and the same figures as JSON, CSV and LaTeX."""
    from sim.compare.page import write_page  # the plotting library is slow to import

    texts = {"comparison.csv": csv_text(found), "comparison.tex": latex(found)}
    for name, text in texts.items():
        write_text(folder / name, text)
    write_json(folder / "comparison.json", found.json())
    write_page(folder / PAGE, found, pictures())
    return [folder / name for name in (PAGE, "comparison.json", *texts)]


def _show(found: Comparison) -> None:
    if found.rows:
        show_table(
            "engines, each at a clock that closes unless a line below says otherwise",
            OWN_HEAD,
            own_table(found),
            left=LEFT,
        )
        show_table("the same workload elsewhere", HEAD, table(found), left=LEFT)
        out.print("\n".join(remarks(found)), markup=False)
    else:
        out.print("no report with cycles")
    for line in found.missing:
        warn(line)
