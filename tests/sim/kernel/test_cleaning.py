from __future__ import annotations

import fcntl
import os
import subprocess
import time
from pathlib import Path

import pytest

from sim.kernel.cleaning import BUILT, DAY, HOUR, LOCK, chosen, kept, leftovers, remove, run_prefix, tidy
from tests.sim.conftest import Tessera

SIZE = 1000


def write(path: Path, *, days: float = 0, size: int = SIZE) -> Path:
    """A file of some bytes that was touched so many days ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    when = time.time() - days * DAY
    os.utime(path, (when, when))
    os.utime(path.parent, (when, when))
    return path


def simulator(build: Path, name: str, *, days: float, whole: bool = True) -> Path:
    """A build of 1,000 bytes, used so many days ago."""
    folder = build / "verilator" / name
    write(folder / LOCK, size=0)
    write(folder / "obj" / "Vtop")
    if whole:
        write(folder / BUILT, size=0, days=days)
    os.utime(folder, (time.time() - days * DAY,) * 2)
    return folder


@pytest.fixture
def ended() -> int:
    """A process that is no more."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three simulators and a design, used 9, 5, 1 and 3 days ago, and a report."""
    for name, days in (("a", 9), ("b", 5), ("c", 1)):
        simulator(tmp_path, name, days=days)
    write(tmp_path / "designs" / "d.json", days=3)
    write(tmp_path / "demo" / "report.json", days=99)
    monkeypatch.setattr("sim.commands.clean.BUILD", tmp_path)
    return tmp_path


def test_what_was_used_longest_ago_goes_first(build: Path) -> None:
    """By age, by size, or by both; size counts what is left."""
    found = kept(build)
    assert [(one.path.name, one.size) for one in found] == [("a", SIZE), ("b", SIZE), ("d.json", SIZE), ("c", SIZE)]

    def names(**limits: float) -> list[str]:
        return [one.path.name for one in chosen(found, **limits)]

    assert names() == []
    assert names(older=4 * DAY) == ["a", "b"]
    assert names(size=2.5 * SIZE) == ["a", "b"]
    assert names(size=0) == ["a", "b", "d.json", "c"]
    assert names(older=8 * DAY, size=SIZE) == ["a", "b", "d.json"]


def test_what_another_process_removes_meanwhile_is_not_there(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was found, and is gone when it is looked at."""
    stays, goes = simulator(build, "stays", days=1), simulator(build, "goes", days=2)

    def size(path: Path) -> int:
        if path == goes:
            (goes / BUILT).unlink()
        return SIZE

    monkeypatch.setattr("sim.kernel.cleaning.size_of", size)
    paths = [one.path for one in kept(build)]
    assert stays in paths
    assert goes not in paths


def test_runs_of_ended_processes_are_left_over(build: Path, ended: int) -> None:
    """Not those of one that runs, nor a young one that names none; builds that never ended count too."""
    dead = write(build / "runs" / f"kv-{ended}-abcd_123" / "run.log").parent
    inside = write(build / "verilator" / "a" / f"run-{ended}-abcd_123" / "run.log").parent
    write(build / "runs" / f"{run_prefix('kv')}abcd_123" / "run.log")
    write(build / "runs" / "kv-abcd_123" / "run.log")
    old = write(build / "runs" / "kv-abcd_124" / "run.log", days=2 * HOUR / DAY).parent
    half = simulator(build, "half", days=2, whole=False)
    simulator(build, "young", days=0, whole=False)
    assert set(leftovers(build)) == {dead, inside, old, half}
    assert leftovers(build, older=1.5 * DAY) == [half]


def test_a_build_that_is_being_made_stays(build: Path) -> None:
    """Whoever holds the lock goes on undisturbed; the lock itself always stays, as others may wait for it."""
    folder = build / "verilator" / "a"
    with (folder / LOCK).open() as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        assert not remove(folder)
        assert (folder / BUILT).exists()
    assert remove(folder)
    assert [path.name for path in folder.iterdir()] == [LOCK]


def test_the_bound_spares_what_was_used_today(build: Path, ended: int) -> None:
    """Below it nothing goes but runs that failed a day ago; above it what nobody has used since."""
    fresh = write(build / "runs" / f"kv-{ended}-abcd_123" / "run.log")
    old = write(build / "runs" / f"kv-{ended}-abcd_124" / "run.log", days=2)
    write(build / "verilator" / "c" / BUILT, size=0)
    tidy(build, size=10 * SIZE)
    assert fresh.exists()
    assert not old.exists()
    assert len(kept(build)) == 4
    tidy(build, size=0)
    assert [one.path.name for one in kept(build)] == ["c"]


def test_the_command_says_what_it_frees(build: Path, ended: int, tessera: Tessera) -> None:
    """A dry run keeps all; reports are never touched; a limit that is none is refused."""
    run = write(build / "runs" / f"kv-{ended}-abcd_123" / "run.log").parent
    dry = tessera("clean", "--older", 4, "--dry-run")
    assert dry.status == 0
    assert "would be freed" in dry.out
    assert run.exists()
    assert len(kept(build)) == 4
    outcome = tessera("clean", "--older", 4)
    assert outcome.out.splitlines()[:-1] == dry.out.splitlines()[:-1]
    assert len(outcome.out.splitlines()) == 4
    assert not run.exists()
    assert [one.path.name for one in kept(build)] == ["d.json", "c"]
    assert tessera("clean", "--size", 0).status == 0
    assert kept(build) == []
    assert (build / "demo" / "report.json").exists()
    for option in ("--older", "--size"):
        refusal = tessera("clean", option, -1)
        assert (refusal.status, refusal.err) == (2, f"tessera: error: {option} must be a number from 0 on, it is -1\n")
