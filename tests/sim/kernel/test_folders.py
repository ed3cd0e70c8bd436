from __future__ import annotations

from pathlib import Path

import pytest

from sim.kernel import folders
from sim.kernel.folders import keep_log, run_folder
from sim.kernel.progress import Progress, read_progress, write_progress


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders of a build of its own."""
    monkeypatch.setattr(folders, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(folders, "LOGS", tmp_path / "logs")
    return tmp_path


@pytest.mark.parametrize("error", [None, RuntimeError, KeyboardInterrupt])
def test_a_runs_folder_goes_with_the_run(build: Path, error: type[BaseException] | None) -> None:
    """Whether it ends well, fails or is interrupted."""
    try:
        with run_folder("job") as folder:
            (folder / "taps").mkdir()
            (folder / "image.bin").write_bytes(b"1")
            if error:
                raise error
    except (RuntimeError, KeyboardInterrupt):
        pass
    assert not list((build / "runs").iterdir())


def test_logs_are_kept_and_the_oldest_go(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that a message names is there; a log that was never written is an empty one."""
    monkeypatch.setattr(folders, "KEPT_LOGS", 2)
    (build / "run.log").write_text("said")
    kept = [keep_log(build / name, "job") for name in ("run.log", "none.log", "run.log")]
    assert kept[-1].read_text() == "said"
    assert len(list((build / "logs").iterdir())) == 2


def test_progress_is_read_as_written(tmp_path: Path) -> None:
    """None before there is any."""
    assert read_progress(tmp_path / "progress") is None
    write_progress(tmp_path / "progress", Progress(cycle=7, words_written=3))
    assert read_progress(tmp_path / "progress") == Progress(7, 3)
