"""Pixel writer: every flushed sub-tile goes to its place in the framebuffer, none is lost while memory is slow."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Any

import pytest

from golden.splat.memory_map import PIXEL_BYTES
from hw.splat.config import tiny
from hw.splat.pixel_writer import PixelWriter
from tests.hw.lib.bench import Bench
from tests.hw.splat.datapath import Payload

LATENCY = 22  # from the issue of a flush to its pixels


@pytest.mark.parametrize("width", [128, 256, 512])
@pytest.mark.parametrize(("pause", "stall"), [(0, 0), (0.3, 0.7)])
def test_two_frames(width: int, pause: float, stall: float, seed: int) -> None:
    """Three groups a frame, each in an order of its own; `start` begins at the first group again."""
    config = replace(tiny(), memory_width=width)
    spec = config.spec
    dut = PixelWriter(config=config)
    bench = Bench(dut, seed=seed)
    rng = bench.random
    tiles, tile_bytes = spec.columns**2, spec.lanes * PIXEL_BYTES
    words = tile_bytes * 8 // width
    expected: list[Payload] = []
    frames = ((0, 4096), (1, 1 << 20))

    async def run(ctx: Any) -> None:
        for _, base in frames:
            assert not ctx.get(dut.busy)
            ctx.set(dut.frame_address, base)
            ctx.set(dut.start, 1)
            await ctx.tick()
            ctx.set(dut.start, 0)
            left = [place for _ in range(3) for place in rng.sample(range(tiles), tiles)]
            flying: deque[tuple[int, int]] = deque()
            taken = 0
            cycle = 0
            while left or flying or ctx.get(dut.busy):
                reserve = bool(left) and ctx.get(dut.room) == 1 and rng.random() >= pause
                ctx.set(dut.reserved, reserve)
                if reserve:
                    flying.append((cycle + LATENCY, left.pop(0)))
                arrives = bool(flying) and flying[0][0] == cycle
                ctx.set(dut.flushed.valid, arrives)
                ctx.set(dut.flushed.pixels, rng.getrandbits(32 * spec.lanes))
                if arrives:
                    place = flying.popleft()[1]
                    pixels = rng.getrandbits(32 * spec.lanes)
                    ctx.set(dut.flushed.place, place)
                    ctx.set(dut.flushed.pixels, pixels)
                    address = base + (taken // tiles * tiles + place) * tile_bytes
                    taken += 1
                    for k in range(words):
                        data = pixels >> (k * width) & ((1 << width) - 1)
                        expected.append(
                            {"address": address + k * width // 8, "data": data, "last": int(k == words - 1)}
                        )
                await ctx.tick()
                cycle += 1
                assert cycle < 20_000
            ctx.set(dut.reserved, 0)

    log = bench.sink(dut.memory.request, 2 * 3 * tiles * words, stall=stall)
    bench.process(run)
    bench.run(drain=40)
    assert log.values == expected


def test_as_fast_as_the_memory() -> None:
    """With a memory that takes a word a cycle, none of them passes without a word."""
    dut = PixelWriter(config=tiny())
    bench = Bench(dut)

    async def run(ctx: Any) -> None:
        flights = [0] * LATENCY
        for _ in range(200):
            reserve = ctx.get(dut.room)
            ctx.set(dut.reserved, reserve)
            ctx.set(dut.flushed.valid, flights.pop(0))
            flights.append(reserve)
            await ctx.tick()

    log = bench.sink(dut.memory.request, 0)
    bench.logs.remove(log)  # how many come is open
    bench.process(run)
    bench.run(drain=200)
    assert log.cycles == list(range(log.cycles[0], log.cycles[0] + len(log.cycles)))
    assert len(log.cycles) > 150
