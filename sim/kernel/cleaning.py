"""What of build/ may go: old builds and designs, and what failed and interrupted runs have left."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

HOUR, DAY = 3600.0, 86400.0
GB = 1e9
BUILT = "built"  #: in a build's folder, when it is whole; its time is that of the last use
LOCK = "lock"  #: in a build's folder, for whoever builds or removes it


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Something that would be made again if it were wanted."""

    path: Path
    size: int  #: bytes
    used: float  #: seconds since 1970


def run_prefix(name: str) -> str:
    """Of a run's folder: whose process has ended has left it behind."""
    return f"{name}-{os.getpid()}-"


def kept(build: Path) -> list[Kept]:
    """Whole builds and designs, the one that was used longest ago first."""
    marks = [*build.glob(f"verilator/*/{BUILT}"), *build.glob("designs/*.json")]
    found: list[Kept] = []
    for mark in marks:
        path = mark.parent if mark.name == BUILT else mark
        with suppress(FileNotFoundError):  # another process tidies, too
            found.append(Kept(path=path, size=size_of(path), used=mark.stat().st_mtime))
    return sorted(found, key=lambda one: one.used)


def chosen(found: list[Kept], *, older: float | None = None, size: float | None = None) -> list[Kept]:
    """Of `kept`, what was not used for `older` seconds, and the oldest until the rest takes `size` bytes."""
    now, rest = time.time(), sum(one.size for one in found)
    gone: list[Kept] = []
    for one in found:
        if (older is not None and now - one.used > older) or (size is not None and rest > size):
            gone.append(one)
            rest -= one.size
    return gone


def leftovers(build: Path, *, older: float = 0) -> list[Path]:
    """What nobody will finish: folders of runs whose process has ended, and builds that are not whole.

    Nothing was added to them for `older` seconds, and for an hour at least where no process is named.
    """
    now = time.time()
    runs = [*build.glob("runs/*/"), *build.glob("verilator/*/run-*/")]
    halves = [path for path in build.glob("verilator/*/") if not (path / BUILT).exists() and len(os.listdir(path)) > 1]
    gone: list[Path] = []
    for path in (*runs, *halves):
        process = _process(path)
        age = now - path.stat().st_mtime
        if age > older and (age > HOUR if process is None else not _lives(process)):
            gone.append(path)
    return gone


def remove(path: Path) -> bool:
    """Removes a file or folder; False if it is a build that is being made. Of a build's folder the lock stays."""
    lock = path / LOCK
    if not lock.exists():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        return True
    with lock.open() as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        empty(path)
    return True


def empty(folder: Path) -> None:
    """Removes everything in a build's folder but the lock, the mark of a whole build first."""
    (folder / BUILT).unlink(missing_ok=True)
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != LOCK:
            path.unlink()


def tidy(build: Path, *, size: float, unused: float = DAY) -> None:
    """Keeps build/ below `size` bytes, where that costs nothing that was used within `unused` seconds."""
    idle = [one for one in chosen(kept(build), size=size) if time.time() - one.used > unused]
    for path in (*leftovers(build, older=unused), *(one.path for one in idle)):
        remove(path)


def size_of(path: Path) -> int:
    """Bytes of a file, or of all in a folder."""
    return sum(one.stat().st_size for one in _files(path))


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from (one for one in path.rglob("*") if one.is_file() and not one.is_symlink())
    elif path.is_file():
        yield path


def _process(folder: Path) -> int | None:
    """The process that made a run's folder, if its name tells."""
    match = re.search(r"-(\d+)-[a-z0-9_]{8}$", folder.name)
    return int(match[1]) if match else None


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True
