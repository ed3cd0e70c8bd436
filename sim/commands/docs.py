"""`tessera docs`: the tables and curves of docs/ that are made by code."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import click

from golden.errors import InputError
from hw.generate import ROOT
from sim.console import out
from sim.engines import ENGINES, find_engine

DOCS = ROOT / "docs"


@click.command()
@click.argument("engine", required=False)
@click.option("--size", type=int, help="Pixels a side, or the engine's own measure of size.")
@click.option("-o", "--out", "folder", type=click.Path(path_type=Path, file_okay=False), default=DOCS, help="Folder.")
def docs(engine: str | None, size: int | None, folder: Path) -> None:
    """Measure again what ENGINE's page (default: every page) records in docs/sweeps and docs/images; half an hour."""
    names = [find_engine(engine).name] if engine else [name for name in ENGINES if _has_sweep(name)]
    for name in names:
        if not _has_sweep(name):
            raise InputError(f"engine must be one with a recorded sweep, it is '{name}'")
        record = import_module(f"sim.sweeps.{name}").record
        paths = record(folder, out.print, **({"size": size} if size else {}))
        out.print(*paths, sep="\n")


def _has_sweep(name: str) -> bool:
    return find_spec(f"sim.sweeps.{name}") is not None
