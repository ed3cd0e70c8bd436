"""`tessera engines`: names, for scripts."""

from __future__ import annotations

import click

from sim.console import out
from sim.engines import ENGINES


@click.command()
def engines() -> None:
    """List the engines that stand."""
    for name in ENGINES:
        out.print(name)
