from __future__ import annotations

import io
import time
from pathlib import Path

import pytest
from rich.console import Console

from sim.kernel import console, progress
from sim.kernel.console import follow, step
from sim.kernel.progress import Progress, write_progress


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What a terminal of 100 columns gets, and a clock that runs fast."""
    text = io.StringIO()
    monkeypatch.setattr(console, "err", Console(file=text, force_terminal=True, width=100))
    monkeypatch.setattr(console.out, "quiet", False)
    monkeypatch.setattr(progress, "INTERVAL", 0.02)
    return text


def simulate(file: Path, words: int | None) -> None:
    """A step whose simulation has written a quarter of 400 words."""
    with step("drawing"), follow(file, words):
        write_progress(file, Progress(cycle=1234567, words_written=100))
        time.sleep(0.4)


def test_a_bar_with_cycles_and_the_time_left(screen: io.StringIO, tmp_path: Path) -> None:
    """On a terminal, while a simulation runs; the time left only where it is known how much there is to write."""
    simulate(tmp_path / "progress", 400)
    assert "drawing" in screen.getvalue()
    assert "1,234,567 cycles, 0:00:00, 0:00:01 left" in screen.getvalue()
    screen.truncate(0)
    simulate(tmp_path / "progress", None)
    assert "1,234,567 cycles, 0:00:00" in screen.getvalue()
    assert "left" not in screen.getvalue()


def test_a_step_that_simulates_nothing_has_no_bar(screen: io.StringIO) -> None:
    """Only its name."""
    with step("loading"):
        pass
    assert "loading" in screen.getvalue()
    assert "cycles" not in screen.getvalue()


@pytest.mark.parametrize("quiet", [True, False])
def test_nothing_in_a_pipe_and_nothing_when_hushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, screen: io.StringIO, quiet: bool
) -> None:
    """Not a byte."""
    monkeypatch.setattr(console.out, "quiet", quiet)
    if not quiet:
        monkeypatch.setattr(console, "err", Console(file=screen, force_terminal=False))
    simulate(tmp_path / "progress", 400)
    assert screen.getvalue() == ""
