"""Fixtures of the tests of sim."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sim.cli import main
from tests.golden.scenes.writers import plain_columns, ply_bytes, random_cloud


@dataclass(frozen=True)
class Outcome:
    """What a command left: its status and what it printed."""

    status: int
    out: str
    err: str


Tessera = Callable[..., Outcome]


@pytest.fixture
def tessera(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tessera:
    """Runs the command line in this process."""

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["tessera", *map(str, arguments)])
        capsys.readouterr()
        status = 0
        try:
            main()
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        printed = capsys.readouterr()
        return Outcome(status, printed.out, printed.err)

    return run


@pytest.fixture
def scene_file(tmp_path: Path, seed: int) -> Path:
    """A .ply scene of 300 random Gaussians."""
    path = tmp_path / "small.ply"
    path.write_bytes(ply_bytes({"vertex": plain_columns(random_cloud(seed, 300, 1))}))
    return path
