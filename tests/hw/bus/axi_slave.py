"""An AXI4 slave with a memory, which holds its master to the rules of bursts."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from amaranth.hdl import Value
from amaranth.lib import stream

from hw.bus.axi import MAX_BEATS, PAGE_BYTES, Response
from hw.lib.fields import pack, unpack_nested
from hw.lib.stream import payload_shape
from tests.hw.lib.bench import Bench


class AxiSlave:
    """Serves the read or the write channels of `dut`, with stalls drawn at random.

    Args:
        width: bits of a beat. fails: addresses of bursts that are answered with an error.
    """

    def __init__(
        self, bench: Bench, dut: Any, *, width: int, latency: int = 0, stall: float = 0.0,
        contents: Callable[[int], int] = lambda address: address, fails: dict[int, Response] | None = None,
    ) -> None:  # fmt: skip
        self.bench, self.width, self.latency, self.stall = bench, width, latency, stall
        self.contents, self.fails = contents, fails or {}
        self.bytes = width // 8
        self.reads: list[tuple[int, int]] = []  # address and beats of every burst
        self.writes: list[tuple[int, int]] = []
        self.memory: dict[int, int] = {}  # what was written: a beat by its address
        self.answered = 0  # bursts written
        self.under_way = self.most_under_way = 0
        self._beats: deque[tuple[int, Any]] = deque()  # (cycle from which it may leave, payload)
        self._responses: deque[tuple[int, Any]] = deque()
        self._bursts: deque[tuple[int, int]] = deque()
        self._stored: deque[list[dict[str, int]]] = deque([[]])
        if hasattr(dut, "ar"):
            bench.process(partial(self._take, channel=dut.ar, act=self._read))
            bench.process(partial(self._give, channel=dut.r, waiting=self._beats))
        if hasattr(dut, "aw"):
            bench.process(partial(self._take, channel=dut.aw, act=self._write))
            bench.process(partial(self._take, channel=dut.w, act=self._store))
            bench.process(partial(self._give, channel=dut.b, waiting=self._responses))

    def _burst(self, payload: dict[str, int]) -> tuple[int, int]:
        address, beats = payload["address"], payload["length"] + 1
        assert address % self.bytes == 0
        assert beats <= MAX_BEATS
        assert address // PAGE_BYTES == (address + beats * self.bytes - 1) // PAGE_BYTES, f"{address:#x} + {beats}"
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        return address, beats

    def _read(self, now: int, payload: dict[str, int]) -> None:
        address, beats = self._burst(payload)
        self.reads.append((address, beats))
        for k in range(beats):
            response = self.fails.get(address, Response.OKAY)
            data = self.contents(address + k * self.bytes)
            last = int(k == beats - 1)
            self._beats.append((now + self.latency, {"data": data, "response": response, "last": last}))

    def _write(self, now: int, payload: dict[str, int]) -> None:
        self.writes.append(self._burst(payload))
        self._bursts.append(self.writes[-1])
        self._pair(now)

    def _store(self, now: int, payload: dict[str, int]) -> None:
        self._stored[-1].append(payload)
        if payload["last"]:
            self._stored.append([])
        self._pair(now)

    def _pair(self, now: int) -> None:
        """Addresses and beats may come in any order; a burst of which both are there is written."""
        while self._bursts and len(self._stored) > 1:
            (address, beats), stored = self._bursts.popleft(), self._stored.popleft()
            assert len(stored) == beats, f"a burst of {beats} beats has {len(stored)}"
            for k, beat in enumerate(stored):
                assert beat["strobes"] == (1 << self.bytes) - 1
                self.memory[address + k * self.bytes] = beat["data"]
            self._responses.append((now + self.latency, self.fails.get(address, Response.OKAY)))

    async def _take(self, ctx: Any, channel: stream.Interface, act: Callable[[int, Any], None]) -> None:
        shape = payload_shape(channel)
        while True:
            ready = not self.bench.stall(self.stall)
            ctx.set(channel.ready, ready)
            now = ctx.get(self.bench.cycle)
            _, _, valid, bits = await ctx.tick().sample(channel.valid, Value.cast(channel.payload))
            if valid and ready:
                act(now, unpack_nested(bits, shape))

    async def _give(self, ctx: Any, channel: stream.Interface, waiting: deque[tuple[int, Any]]) -> None:
        payload, shape = Value.cast(channel.payload), payload_shape(channel)
        offered = False
        while True:
            now = ctx.get(self.bench.cycle)
            if not offered:
                offered = bool(waiting) and waiting[0][0] < now and not self.bench.stall(self.stall)
                noise = self.bench.random.getrandbits(len(payload))
                ctx.set(channel.valid, offered)
                ctx.set(payload, pack(shape, waiting[0][1]) if offered else noise)
            _, _, taken = await ctx.tick().sample(channel.ready)
            if offered and taken:
                _, given = waiting.popleft()
                offered = False
                ends = not isinstance(given, dict) or given["last"]
                self.under_way -= ends
                self.answered += not isinstance(given, dict)
