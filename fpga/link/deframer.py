"""Frames out of the bytes that a host receives."""

from __future__ import annotations

from typing import NamedTuple
from zlib import crc32

from fpga.link.protocol import CRC_BYTES, HEADER_BYTES, PAYLOAD_BYTES, START_BYTE


class Frame(NamedTuple):
    """A whole frame whose CRC is right."""

    command: int
    sequence: int
    payload: bytes


class Deframer:
    """Finds frames among whatever else a line brings: where a frame is wrong, the next may begin at its second byte."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes."""
        self._held += data
        found: list[Frame] = []
        while self._to_start():
            length = int.from_bytes(self._held[1:3], "little")
            size = 1 + HEADER_BYTES + length + CRC_BYTES
            if len(self._held) >= 3 and length > PAYLOAD_BYTES:
                self._held = self._held[1:]
            elif len(self._held) < max(size, 3):
                break
            else:
                frame = self._frame(size)
                found += [frame] if frame else []
                self._held = self._held[size if frame else 1 :]
        return found

    def give_up(self) -> list[Frame]:
        """No more comes of the frame that has begun: what stands behind its first byte."""
        held, self._held = self._held[1:], b""
        return self.feed(held)

    def _to_start(self) -> bool:
        start = self._held.find(START_BYTE)
        self._held = self._held[start:] if start >= 0 else b""
        return bool(self._held)

    def _frame(self, size: int) -> Frame | None:
        covered, crc = self._held[1 : size - CRC_BYTES], self._held[size - CRC_BYTES : size]
        if crc32(covered) != int.from_bytes(crc, "little"):
            return None
        return Frame(command=covered[3], sequence=covered[2], payload=covered[HEADER_BYTES:])
