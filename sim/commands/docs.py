"""`tessera docs`: the tables and curves of docs/ that are made by code."""

from __future__ import annotations

from pathlib import Path

import click

from golden.errors import InputError
from hw.generate import ROOT
from sim.engines import ENGINES, find_engine
from sim.kernel.console import out

DOCS = ROOT / "docs"


@click.command()
@click.argument("engine", required=False)
@click.option("--size", type=int, help="Pixels a side, or the engine's own measure of size.")
@click.option("-o", "--out", "folder", type=click.Path(path_type=Path, file_okay=False), default=DOCS, help="Folder.")
def docs(engine: str | None, size: int | None, folder: Path) -> None:
    """Measure again what ENGINE's page (default: every page) records in docs/sweeps and docs/images; half an hour."""
    chosen = [find_engine(engine)] if engine else list(ENGINES.values())
    for entry in chosen:
        sweep = entry.sweep()
        if sweep is not None:
            out.print(*sweep.record(folder, out.print, **({"size": size} if size else {})), sep="\n")
        elif engine:
            raise InputError(f"engine must be one with a recorded sweep, it is '{engine}'")
