"""`tessera --version`: what is installed, for a report of a fault."""

from __future__ import annotations

import platform
from importlib.metadata import version

import click

from sim.kernel.report import TOOLS, commit


def version_text() -> str:
    """This version, its commit where there is a git checkout, and every tool that can change a result."""
    found = commit()
    first = f"tessera {version('tessera')}" + ("" if found == "unknown" else f", commit {found}")
    tools = {"python": platform.python_version(), **{name: version(name) for name in TOOLS}}
    return "\n".join([first, *(f"{name} {number}" for name, number in tools.items())])


def _show(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        click.echo(version_text())
        context.exit()


version_option = click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show,
    help="Show this version, its commit, and the versions of the tools.",
)  # fmt: skip
