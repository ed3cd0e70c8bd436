"""A memory behind a read port, with latency and stalls drawn at random."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from amaranth.hdl import Value

from hw.lib.fields import pack, unpack_nested
from hw.lib.memory_port import ReadDataLayout, ReadRequestLayout
from tests.hw.lib.bench import Bench


def word_at(address: int) -> int:
    """What the memory holds: 32 bits that depend on the whole address."""
    return (address * 2654435761 + 97) & 0xFFFFFFFF


class MemoryModel:
    """Serves `port` in order: a burst's words follow its request after `latency` cycles or more.

    Args:
        stall: chance, in each cycle, not to take a request, and not to offer the next word.
        contents: the word at an address, asked for when its request is taken.
    """

    def __init__(
        self, bench: Bench, port: Any, *, latency: int, stall: float = 0.0, contents: Callable[[int], int] = word_at
    ) -> None:
        self.bench, self.port, self.latency, self.stall, self.contents = bench, port, latency, stall, contents
        self.word_bytes = port.signature.width // 8
        self.bursts: list[tuple[int, int]] = []
        self.outstanding = self.most_outstanding = 0  # words asked for and not yet handed over
        self.waits = 0  # cycles in which a word was offered and not taken
        bench.process(self._run)

    async def _run(self, ctx: Any) -> None:
        request, response = self.port.request, self.port.response
        address_and_length = Value.cast(request.payload)
        words: deque[tuple[int, int]] = deque()  # (cycle from which it may leave, payload)
        offered = False
        while True:
            ready = not self.bench.stall(self.stall)
            ctx.set(request.ready, ready)
            now = ctx.get(self.bench.cycle)
            if not offered:
                offered = bool(words) and words[0][0] <= now and not self.bench.stall(self.stall)
                ctx.set(response.valid, offered)
                noise = self.bench.random.getrandbits(self.word_bytes * 8 + 1)
                ctx.set(Value.cast(response.payload), words[0][1] if offered else noise)
            _, _, asked, bits, taken = await ctx.tick().sample(request.valid, address_and_length, response.ready)
            if offered and taken:
                words.popleft()
                offered = False
                self.outstanding -= 1
            self.waits += offered
            if asked and ready:
                self._accept(now, unpack_nested(bits, ReadRequestLayout()), words)

    def _accept(self, now: int, request: dict[str, int], words: deque[tuple[int, int]]) -> None:
        address, length = request["address"], request["length"]
        assert address % self.word_bytes == 0, f"address {address} is not a multiple of {self.word_bytes}"
        assert 1 <= length <= 64, f"a burst has 1 to 64 words, this one {length}"
        self.bursts.append((address, length))
        layout = ReadDataLayout(self.word_bytes * 8)
        for k in range(length):
            payload = {"data": self.contents(address + k * self.word_bytes), "last": int(k == length - 1)}
            words.append((now + self.latency, pack(layout, payload)))
        self.outstanding += length
        self.most_outstanding = max(self.most_outstanding, self.outstanding)
