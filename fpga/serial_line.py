"""The serial port of a board."""

from __future__ import annotations

import os
import time
from pathlib import Path

import serial
from serial.tools import list_ports

from fpga.errors import LineDownError, LinkError
from golden.errors import InputError

LOOK = 0.02  # seconds that a read waits for its first byte
WRITE = 5.0  # seconds after which a port that takes no byte is down


def require_port(port: str) -> None:
    """Whether there is such a port, before any work.

    Raises:
        InputError: there is none.
    """
    if not Path(port).exists():
        known = ", ".join(sorted(one.device for one in list_ports.comports())) or "none"
        raise InputError(f"--port must be a serial port, there is no '{port}' (ports of this machine: {known})")


class SerialLine:
    """Bytes to and from a port, which may go away and come back.

    Args:
        port: path of the port. baud: bits a second.

    Raises:
        InputError: there is no such port, or it cannot be opened.
    """

    def __init__(self, port: str, baud: int) -> None:
        self.port, self.baud = port, baud
        self._serial: serial.Serial | None = None
        require_port(port)
        try:
            self._open()
        except LineDownError as error:
            raise InputError(f"--port '{port}' cannot be opened: {error}") from error

    def _open(self) -> None:
        try:
            # The path is resolved anew: behind a link there may be another port now.
            self._serial = serial.Serial(
                os.path.realpath(self.port), self.baud, timeout=LOOK, write_timeout=WRITE, exclusive=True
            )
        except (OSError, ValueError, serial.SerialException) as error:
            raise LineDownError(" ".join(str(error).split())) from error

    def write(self, data: bytes) -> None:
        """Sends bytes.

        Raises:
            LineDownError: the port is gone.
        """
        self._do(lambda port: port.write(data))

    def read(self) -> bytes:
        """What has come, after a short wait where nothing has.

        Raises:
            LineDownError: the port is gone.
        """
        return self._do(lambda port: port.read(max(1, port.in_waiting)))

    def _do(self, act):
        if self._serial is None:
            raise LineDownError(f"{self.port} is closed")
        try:
            return act(self._serial)
        except (OSError, serial.SerialException) as error:
            self.close()
            raise LineDownError(f"{self.port} is gone") from error

    def reopen(self, seconds: float) -> None:
        """Waits for the port to come back.

        Raises:
            LinkError: it has not for so long.
        """
        self.close()
        deadline = time.monotonic() + seconds
        while True:
            try:
                return self._open()
            except LineDownError as error:
                if time.monotonic() > deadline:
                    raise LinkError(f"{self.port} is gone and has not come back for {seconds:g} s") from error
            time.sleep(LOOK)

    def close(self) -> None:
        """Gives the port back."""
        if self._serial is not None:
            self._serial.close()
            self._serial = None
