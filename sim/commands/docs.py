"""`tessera docs`: the pictures and tables of docs/ that are made by code."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import click

from golden.errors import InputError
from hw.generate import ROOT
from sim.console import out, step
from sim.engines import find_engine
from sim.files import write_json, write_text
from sim.sweeps.table import markdown, plot

DOCS = ROOT / "docs"


@click.command()
@click.argument("engine")
@click.option("--size", type=int, default=256, show_default=True, help="Pixels a side, or the engine's own measure.")
def docs(engine: str, size: int) -> None:
    """Sweep ENGINE's number formats and write docs/sweeps/ENGINE.json, its table and its curves; half an hour."""
    find_engine(engine)
    module = f"sim.sweeps.{engine}"
    if find_spec(module) is None:
        raise InputError(f"{engine} has no sweep of number formats")
    with step(f"sweeping the formats of {engine}"):
        sweep = import_module(module).run_sweep(lambda line: out.print(line), size=size)
    write_json(DOCS / "sweeps" / f"{engine}.json", sweep.as_dict())
    write_text(DOCS / "sweeps" / f"{engine}.md", markdown(sweep))
    plot(sweep, DOCS / "images" / f"{engine}-formats.png")
    out.print(f"docs/sweeps/{engine}.json, docs/sweeps/{engine}.md, docs/images/{engine}-formats.png")
