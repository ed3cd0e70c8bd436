"""`tessera clean`: room in build/."""

from __future__ import annotations

import click

from golden.errors import InputError
from sim.kernel.cleaning import DAY, GB, chosen, kept, leftovers, remove, size_of
from sim.kernel.console import out
from sim.kernel.runner import BUILD


@click.command()
@click.option("--older", type=float, metavar="DAYS", help="Drop builds and designs not used for this many days.")
@click.option("--size", type=float, metavar="GB", help="Drop the least recently used until build/ has this size.")
@click.option("--dry-run", is_flag=True, help="Say what would be dropped, and keep it.")
def clean(older: float | None, size: float | None, dry_run: bool) -> None:
    """Drop old simulators, and what failed runs have left.

    Folders of failed and interrupted runs in build/ always go; with --older or --size so do simulators and generated
    designs, which are made again when they are wanted. Reports, pictures and Verilog stay; `make clean` drops all.
    """
    for name, value in (("--older", older), ("--size", size)):
        if value is not None and not 0 <= value < float("inf"):
            raise InputError(f"{name} must be a number from 0 on, it is {value:g}")
    limits = {"older": None if older is None else older * DAY, "size": None if size is None else size * GB}
    paths = [*leftovers(BUILD), *(one.path for one in chosen(kept(BUILD), **limits))]
    freed = 0
    for path in paths:
        taken = size_of(path)
        if dry_run or remove(path):
            freed += taken
            out.print(f"{path}: {taken / GB:.3f} GB", markup=False)
    verb = "would be freed" if dry_run else "freed"
    out.print(f"{freed / GB:.2f} GB {verb}; {BUILD} has {size_of(BUILD) / GB:.2f} GB", markup=False)
