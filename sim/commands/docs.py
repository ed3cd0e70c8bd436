"""`tessera docs`: the tables and curves of docs/ that are made by code."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import click

from golden.errors import InputError
from hw.generate import ROOT
from sim.chips import RECORDED, recorder
from sim.commands.options import choice_argument
from sim.engines import ENGINES
from sim.kernel import report_schema
from sim.kernel.console import out

DOCS = ROOT / "docs"
SCHEMA = "schema"
PERPLEXITY = "perplexity"


@click.command()
@choice_argument("name", [*ENGINES, *RECORDED, PERPLEXITY, SCHEMA], metavar="[NAME]", required=False)
@click.option(
    "--size",
    type=int,
    help="Problem size: pixels per side (splat, lod, radiance), tokens (kv), bytes per node (cluster).",
)
@click.option(
    "-o",
    "--out",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=DOCS,
    help="Folder for the output files.",
)
def docs(name: str | None, size: int | None, folder: Path) -> None:
    """Make the tables, curves and schema of docs/ again.

    All of them take two hours. NAME is one engine, one composition of several (`level`, `reuse`), `schema`, the
    schema of reports, or `perplexity`, the curves of a language model, to make only that; the last needs the model of
    `make model` and is made by its name alone.
    """
    chips = [recorder(chip) for chip in RECORDED if name in (None, chip)]
    engines = [engine for engine in ENGINES.values() if name in (None, engine.name)]
    sweeps = [sweep for engine in engines if (sweep := engine.sweep())]
    schema = [report_schema] if name in (None, SCHEMA) else []
    model = [import_module("sim.kv.perplexity_sweep")] if name == PERPLEXITY else []
    if not sweeps + chips + schema + model:
        raise InputError(f"engine must be one with a recorded sweep, it is '{name}'")
    for module in sweeps + chips + schema + model:
        out.print(*module.record(folder, out.print, **({"size": size} if size else {})), sep="\n")
