"""Options of the commands that run on the cluster network."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

import click

from golden.errors import InputError

MAX_PAUSES = 240


def _checked(_: click.Context, __: click.Parameter, value: int) -> int:
    if not 0 <= value <= MAX_PAUSES:
        raise InputError(f"--pauses must lie in 0..{MAX_PAUSES}, it is {value}")
    return value


pauses_option = click.option(
    "--pauses", "link_pauses", default=0, show_default=True, callback=_checked,
    help="Probability of a pause of a node's links per cycle, in 256ths.",
)  # fmt: skip


def names_of(codes: Iterable[IntEnum]) -> click.Choice:
    """The names of an enumeration's codes."""
    return click.Choice([code.name.lower() for code in codes])
