"""Folders of runs: gone when the run ends, but for the log of one that failed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hw.generate import ROOT
from sim.kernel.cleaning import run_prefix

BUILD = ROOT / "build"
RUNS = BUILD / "runs"
LOGS = BUILD / "logs"
KEPT_LOGS = 20  # the newest stay


@contextmanager
def run_folder(name: str) -> Iterator[Path]:
    """An empty folder that is removed with all it holds, however the block ends."""
    RUNS.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=run_prefix(name), dir=RUNS))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def keep_log(log: Path, name: str) -> Path:
    """Copies the log to where a message may point; older ones make room."""
    LOGS.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(prefix=f"{name}-", suffix=".log", dir=LOGS, delete=False) as kept:
        kept.write(log.read_bytes() if log.exists() else b"")
    path = Path(kept.name)
    others = sorted((p for p in LOGS.glob("*.log") if p != path), key=lambda p: p.stat().st_mtime, reverse=True)
    for old in others[KEPT_LOGS - 1 :]:
        old.unlink(missing_ok=True)
    return path
