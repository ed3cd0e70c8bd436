"""What goes to the terminal: progress for people, plain lines in a pipe."""

from __future__ import annotations

import io
import json
import os
import sys
from codecs import register_error
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sim.kernel.progress import read_progress, watching

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
    shown: tuple[Progress, TaskID] | None = None  #: the step that is under way


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
    if not err.is_terminal or out.quiet:
        yield
        return
    spinner = SpinnerColumn("line" if err.options.ascii_only else "dots")
    before = _settings.shown
    with Progress(spinner, TextColumn("{task.description}"), _Simulation(), console=err, transient=True) as progress:
        _settings.shown = progress, progress.add_task(what, total=None)
        try:
            yield
        finally:
            _settings.shown = before


class _Simulation(ProgressColumn):
    """A bar, cycles, time gone and time left; nothing for a step that simulates nothing."""

    def render(self, task: Task) -> RenderableType:
        if "cycle" not in task.fields:
            return Text()
        gone = task.get_time() - task.fields["begin"]
        text = f"{task.fields['cycle']:,} cycles, {timedelta(seconds=round(gone))}"
        if task.total and 0 < task.completed <= task.total:
            left = gone * (task.total - task.completed) / task.completed
            text += f", {timedelta(seconds=round(left))} left"
        grid = Table.grid(padding=(0, 1))
        grid.add_row(
            ProgressBar(task.total, task.completed, width=24, pulse=task.total is None, animation_time=task.get_time()),
            Text(text),
        )
        return grid


@contextmanager
def bar(what: str, total: int) -> Iterator[Callable[[], None]]:
    """Shows how far work of `total` equal parts is, on a terminal; gives what to call after each of them."""
    if not err.is_terminal or out.quiet:
        yield lambda: None
        return
    columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(compact=True)
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda: progress.advance(task)


@contextmanager
def follow(file: Path, words: int | None) -> Iterator[None]:
    """While the block runs, the step that is under way shows what a simulation writes to its file of progress.

    `words`: how many it will have written to memory at its end; without it no time left is shown.
    """
    if _settings.shown is None:
        yield
        return
    progress, task = _settings.shown
    begin = progress.get_time()

    def look() -> None:
        where = read_progress(file)
        if where:
            progress.update(task, total=words, completed=where.words_written, cycle=where.cycle, begin=begin)

    with watching(look):
        yield


def warn(what: str) -> None:
    """One line on stderr: the results are right as the rules have it, but may not be what is wanted."""
    err.print(f"tessera: warning: {what}", markup=False, soft_wrap=True)


def note(what: str) -> None:
    """A line or a small table on stderr, at once, where more is to come."""
    err.print(f"tessera: {what}", markup=False, soft_wrap=True)


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
