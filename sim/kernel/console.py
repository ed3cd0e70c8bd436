"""What goes to the terminal: progress for people, plain lines in a pipe."""

from __future__ import annotations

import io
import json
import os
import sys
from codecs import register_error
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

_PIPE_WIDTH = 180  # a pipe has no width; tables are not folded for it
_COLOR = None if os.environ.get("NO_COLOR") else "auto"  # None: no bold either
_PLAIN = {"×": "x", "–": "-", "—": "-", "→": ">", "…": ".", "·": "*"}  # one for one: tables stay aligned
_LOSSY = "tessera-plain"
out = Console(highlight=False, color_system=_COLOR)
err = Console(stderr=True, highlight=False, color_system=_COLOR)
if not out.is_terminal:
    out.width = _PIPE_WIDTH


@dataclass
class _Settings:
    """What the command line asked for."""

    verbose: bool = False


_settings = _Settings()


def start() -> None:
    """Every message, on terminals of any encoding: what it lacks is written by the nearest characters it has."""
    out.quiet = err.quiet = _settings.verbose = False
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_LOSSY)


def hush() -> None:
    """From here on stdout gets no line for people; warnings and errors still go to stderr."""
    out.quiet = True


def tell_all() -> None:
    """From here on `detail` is shown."""
    _settings.verbose = True


@contextmanager
def step(what: str) -> Iterator[None]:
    """Shows what is under way: a spinner on a terminal, nothing in a pipe or where `hush` was called."""
    if err.is_terminal and not out.quiet:
        with err.status(what, spinner="line" if err.options.ascii_only else "dots"):
            yield
    else:
        yield


def warn(what: str) -> None:
    """One line on stderr: the results are right as the rules have it, but may not be what is wanted."""
    err.print(f"tessera: warning: {what}", markup=False, soft_wrap=True)


def detail(what: str) -> None:
    """One line on stderr for those who asked for all: where files lie, what is used again."""
    if _settings.verbose:
        err.print(f"tessera: {what}", markup=False, soft_wrap=True)


def show_table(
    title: str, head: Sequence[str], rows: Iterable[Sequence[object]], *, left: Collection[str] = ()
) -> None:
    """A table whose columns are right-aligned, but the first and those named; in a pipe without lines around it."""
    frame = box.HEAVY_HEAD if out.is_terminal else None
    table = Table(title=title, title_justify="left", title_style="bold", box=frame, pad_edge=out.is_terminal)
    for k, name in enumerate(head):
        table.add_column(name, justify="left" if k == 0 or name in left else "right", overflow="fold")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    out.print(table)


def show_json(value: Any) -> None:
    """`value` as indented JSON on stdout, whatever else is hushed.

    Raises:
        ValueError: it holds NaN or infinity, which JSON has not.
    """
    sys.stdout.write(json.dumps(value, indent=1, allow_nan=False) + "\n")


def _nearest(error: UnicodeError) -> tuple[str, int]:
    """For codecs: the characters that stand for those which an encoding lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_PLAIN.get(c, "?") for c in error.object[error.start : error.end]), error.end


register_error(_LOSSY, _nearest)
