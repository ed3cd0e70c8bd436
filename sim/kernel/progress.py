"""How far a simulation is: the bench writes it down twice a second, and the step that is shown reads it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

INTERVAL = 0.5  # seconds of the wall


class Progress(NamedTuple):
    """Where a job is."""

    cycle: int  #: since the simulation began
    words_written: int  #: to memory


def write_progress(path: Path, progress: Progress) -> None:
    """Whole or not at all: the reader may come at any time."""
    temporary = path.with_suffix(".new")
    temporary.write_text(" ".join(map(str, progress)))
    temporary.replace(path)


def read_progress(path: Path) -> Progress | None:
    """None before the first has been written."""
    with suppress(OSError):
        return Progress(*map(int, path.read_text().split()))
    return None


@contextmanager
def watching(look: Callable[[], None], interval: float | None = None) -> Iterator[None]:
    """Calls `look` every `interval` (else `INTERVAL`) seconds while the block runs."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(interval or INTERVAL):
            look()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
