"""A memory of given bytes behind a read port."""

from __future__ import annotations

from collections import deque
from typing import Any

from hw.lib.fields import pack
from hw.lib.memory_port import ReadDataLayout
from tests.hw.lib.bench import Bench
from tests.hw.lib.memory_model import MemoryModel


class ByteMemory(MemoryModel):
    """Serves `port` with the given bytes; reads beyond their end are a fault."""

    def __init__(self, bench: Bench, port: Any, content: bytes, *, latency: int, stall: float = 0.0) -> None:
        self.content = content
        super().__init__(bench, port, latency=latency, stall=stall)

    def _accept(self, now: int, request: dict[str, int], words: deque[tuple[int, int]]) -> None:
        super()._accept(now, request, words)
        length = request["length"]
        end = request["address"] + length * self.word_bytes
        assert end <= len(self.content), f"a burst ends at {end}, behind the {len(self.content)} bytes of the memory"
        for k in range(length):  # the last word first
            due, _ = words[-1 - k]
            word = self.content[end - (k + 1) * self.word_bytes : end - k * self.word_bytes]
            payload = {"data": int.from_bytes(word, "little"), "last": int(k == 0)}
            words[-1 - k] = (due, pack(ReadDataLayout(self.word_bytes * 8), payload))
