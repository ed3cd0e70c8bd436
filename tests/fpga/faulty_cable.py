"""A cable between host and board that does what cables do: seeded faults in every byte, and a plug to pull."""

from __future__ import annotations

import os
import pty
import random
import select
import termios
import threading
import time
import tty
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType


@dataclass(frozen=True, kw_only=True)
class Faults:
    """The chance of each fault, for every byte in either direction."""

    drop: float = 0.0
    repeat: float = 0.0
    corrupt: float = 0.0
    delay: float = 0.0  #: the byte and all behind it wait
    seconds: float = 0.02  #: for so long, at most


#: About one frame of data in four meets one of them.
ALL = Faults(drop=3e-4, repeat=3e-4, corrupt=3e-4, delay=3e-4)


class FaultyCable:
    """Passes bytes between the board's port and `port`, which a host opens; use it in a `with`.

    Args:
        board: the board's port. port: where the host's end appears, as a symbolic link.
    """

    def __init__(self, board: Path, port: Path, *, faults: Faults = Faults(), seed: int = 1) -> None:
        self.port, self.faults = port, faults
        self.counts = dict.fromkeys(("drop", "repeat", "corrupt", "delay", "passed"), 0)
        self.cut_after: int | None = None  #: bytes, from now on, after which the cable comes out by itself
        self._random = random.Random(seed)
        self._board = os.open(board, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._board)
        self._host: int | None = None
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> FaultyCable:
        self.plug()
        self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()
        self.pull()
        os.close(self._board)

    def plug(self) -> None:
        """The host finds a port again, another than before; what the board said meanwhile nobody heard."""
        termios.tcflush(self._board, termios.TCIFLUSH)
        master, host = pty.openpty()
        tty.setraw(host)
        beside = self.port.with_suffix(".next")
        beside.symlink_to(os.ttyname(host))
        with self._lock:
            self._host = master
        beside.rename(self.port)
        self._held_open = host  # so that a host may come late

    def pull(self) -> None:
        """The port vanishes under the host's hands; bytes that are under way are lost."""
        with self._lock:
            if self._host is not None:
                self.port.unlink()
                os.close(self._host)
                os.close(self._held_open)
                self._host = None

    def _run(self) -> None:
        while not self._ended.is_set():
            with self._lock:
                ends = [] if self._host is None else [self._board, self._host]
            try:
                ready, _, _ = select.select(ends, [], [], 0.005)
                for end in ready:
                    self._pass(end, os.read(end, 64))
            except OSError:  # the plug was pulled while bytes passed
                time.sleep(0.005)

    def _pass(self, source: int, data: bytes) -> None:
        with self._lock:
            target = self._host if source == self._board else self._board
        for byte in data:
            kind = self._fault()
            self.counts[kind] += 1
            if kind == "delay":
                time.sleep(self._random.random() * self.faults.seconds)
            flip = 1 << self._random.randrange(8) if kind == "corrupt" else 0
            copies = {"drop": 0, "repeat": 2}.get(kind, 1)
            if target is not None and copies:
                os.write(target, bytes([byte ^ flip]) * copies)
            self._cut()

    def _fault(self) -> str:
        """Which one the next byte meets."""
        place = self._random.random()
        for kind in ("drop", "repeat", "corrupt", "delay"):
            place -= getattr(self.faults, kind)
            if place < 0:
                return kind
        return "passed"

    def _cut(self) -> None:
        if self.cut_after is not None:
            self.cut_after -= 1
            if self.cut_after == 0:
                self.cut_after = None
                self.pull()
