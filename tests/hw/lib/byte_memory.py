"""A memory of given bytes behind a read port, and behind a write port."""

from __future__ import annotations

from collections import deque
from typing import Any

from hw.lib.fields import pack
from hw.lib.memory_port import ReadDataLayout
from tests.hw.lib.bench import Bench
from tests.hw.lib.memory_model import MemoryModel


class ByteMemory(MemoryModel):
    """Serves `port` with the given bytes; reads beyond their end are a fault."""

    def __init__(
        self, bench: Bench, port: Any, content: bytes | bytearray, *, latency: int, stall: float = 0.0
    ) -> None:
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


class ByteWriter:
    """Writes what comes at `port` into `content`; `stall`: chance, in each cycle, not to take a word."""

    def __init__(self, bench: Bench, port: Any, content: bytearray, *, stall: float = 0.0) -> None:
        self.bench, self.port, self.content, self.stall = bench, port, content, stall
        self.addresses: list[int] = []  # of the words that have come
        bench.process(self._run)

    async def _run(self, ctx: Any) -> None:
        request, size = self.port.request, self.port.signature.width // 8
        while True:
            ready = not self.bench.stall(self.stall)
            ctx.set(request.ready, ready)
            _, _, valid, word = await ctx.tick().sample(request.valid, request.payload)
            if valid and ready:
                self.addresses.append(word.address)
                self.content[word.address : word.address + size] = int(word.data).to_bytes(size, "little")
