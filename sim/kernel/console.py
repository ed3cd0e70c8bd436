"""What goes to the terminal: progress for people, plain lines in a pipe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table

_PIPE_WIDTH = 180  # a pipe has no width; tables are not folded for it
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)
if not out.is_terminal:
    out.width = _PIPE_WIDTH


@contextmanager
def step(what: str) -> Iterator[None]:
    """Shows what is under way: a spinner on a terminal, nothing in a pipe."""
    if err.is_terminal:
        with err.status(what):
            yield
    else:
        yield


def warn(what: str) -> None:
    """One line on stderr: the results are right as the rules have it, but may not be what is wanted."""
    err.print(f"tessera: warning: {what}", markup=False, soft_wrap=True)


def show_table(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table whose first column is text and whose others are right-aligned."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for k, name in enumerate(head):
        table.add_column(name, justify="left" if k == 0 else "right", overflow="fold")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    out.print(table)
