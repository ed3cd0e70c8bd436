"""Options of the commands that run on the cluster network."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

import click

from golden.errors import InputError
from sim.cluster.workload import LinkSettings

pauses_option = click.option("--pauses", default=0, show_default=True, help="Chance of a link pause a cycle, in 256.")


def names_of(codes: Iterable[IntEnum]) -> click.Choice:
    """The names of an enumeration's codes."""
    return click.Choice([code.name.lower() for code in codes])


def link_settings(pauses: int) -> LinkSettings:
    """Checked settings.

    Raises:
        InputError: a value out of range.
    """
    if not 0 <= pauses <= 240:
        raise InputError(f"--pauses must lie in 0..240, it is {pauses}")
    return LinkSettings(pauses=pauses)
