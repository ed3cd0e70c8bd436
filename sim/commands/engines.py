"""`tessera engines`: names, for scripts."""

from __future__ import annotations

import click

from sim.engines import ENGINES
from sim.kernel.console import out


@click.command()
def engines() -> None:
    """List the engines, one a line."""
    for name in ENGINES:
        out.print(name)
