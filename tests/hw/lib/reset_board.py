"""An engine and a memory in Amaranth's simulator that one reset empties of what is under way."""

from __future__ import annotations

from collections import deque
from typing import Any, Protocol

import numpy as np
from amaranth.hdl import Value

from golden.rows import Bytes
from hw.lib.fields import pack, unpack_nested
from hw.lib.memory_port import ReadDataLayout, ReadRequestLayout, WriteLayout
from tests.hw.lib.bench import Bench


class Image(Protocol):
    """A job's bytes in memory."""

    @property
    def data(self) -> Bytes: ...
    @property
    def header_address(self) -> int: ...


class ResetBoard:
    """`dut` with a memory of `size` bytes behind its ports, in words of `word` bytes.

    `serve` is the memory, a process of whoever makes the simulator; a write is put off with the chance `stall` a cycle.
    """

    def __init__(self, dut: Any, *, seed: int, size: int, word: int, stall: float = 0.0) -> None:
        self.dut, self.word, self.stall = dut, word, stall
        self.bench = Bench(dut, seed=seed)
        self.bytes = np.zeros(size, np.uint8)

    async def serve(self, ctx: Any) -> None:
        """A word a cycle each way unless a write is put off; a burst's first word a cycle after its request."""
        read, write, size = self.dut.read, self.dut.write.request, self.word
        words: deque[int] = deque()
        ctx.set(read.request.ready, 1)
        while True:
            ready = not self.bench.stall(self.stall)
            ctx.set(write.ready, ready)
            ctx.set(read.response.valid, bool(words))
            ctx.set(Value.cast(read.response.payload), words[0] if words else 0)
            _, reset, asked, request, taken, writes, written = await ctx.tick().sample(
                read.request.valid, Value.cast(read.request.payload), read.response.ready, write.valid,
                Value.cast(write.payload),
            )  # fmt: skip
            if words and taken:
                words.popleft()
            if writes and ready:
                word = unpack_nested(written, WriteLayout(8 * size))
                self.bytes[word["address"] :][:size] = np.frombuffer(word["data"].to_bytes(size, "little"), np.uint8)
            if asked:
                burst = unpack_nested(request, ReadRequestLayout())
                for k in range(burst["length"]):
                    raw = self.bytes[burst["address"] + k * size :][:size].tobytes()
                    last = int(k == burst["length"] - 1)
                    words.append(pack(ReadDataLayout(8 * size), {"data": int.from_bytes(raw, "little"), "last": last}))
            if reset:
                words.clear()

    async def job(self, ctx: Any, image: Image, stop: tuple[str, int] | None = None) -> None:
        """Lays a job's bytes out and runs it; or resets the engine once a counter has reached a number."""
        self.bytes[: len(image.data)] = image.data
        ctx.set(self.dut.address, image.header_address)
        ctx.set(self.dut.start, 1)
        await ctx.tick()
        ctx.set(self.dut.start, 0)
        await ctx.tick()  # until here counters may be those of the job before
        while ctx.get(self.dut.busy):
            if stop and ctx.get(self.dut.counters[stop[0]]) >= stop[1]:
                ctx.set(self.bench.reset, 1)
                await ctx.tick()
                ctx.set(self.bench.reset, 0)
                return
            await ctx.tick()
        assert stop is None, "the job ended before it was to be reset"
