"""Pixel writer: every flushed sub-tile goes to its place in the framebuffer, none is lost while memory is slow."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Any

import pytest

from golden.splat.memory_map import PIXEL_BYTES
from hw.splat.config import tiny
from hw.splat.pixel_writer import PixelWriter
from hw.splat.tiles import global_number
from tests.hw.lib.bench import Bench
from tests.hw.splat.datapath import Payload

LATENCY = 22  # from the issue of a flush to its pixels


@pytest.mark.parametrize(("width", "lane_groups"), [(128, 1), (256, 4), (512, 2)])
@pytest.mark.parametrize(("pause", "stall"), [(0, 0), (0.3, 0.7)])
def test_two_frames(width: int, lane_groups: int, pause: float, stall: float, seed: int) -> None:
    """Three squares a frame, each lane group in an order of its own; `start` begins at the first square again."""
    config = replace(tiny(), memory_width=width, lane_groups=lane_groups)
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
            left = [
                [(square, place) for square in range(3) for place in rng.sample(range(config.places), config.places)]
                for _ in range(lane_groups)
            ]
            flying: deque[tuple[int, int, int, int]] = deque()
            cycle = 0
            while any(left) or flying or ctx.get(dut.busy):
                reserve = any(left) and ctx.get(dut.room) == 1 and rng.random() >= pause
                ctx.set(dut.reserved, reserve)
                if reserve:
                    group = rng.choice([k for k, more in enumerate(left) if more])
                    flying.append((cycle + LATENCY, group, *left[group].pop(0)))
                arrives = bool(flying) and flying[0][0] == cycle
                for flushed in dut.flushed:
                    ctx.set(flushed.valid, 0)
                    ctx.set(flushed.pixels, rng.getrandbits(32 * spec.lanes))
                if arrives:
                    _, group, square, place = flying.popleft()
                    pixels = rng.getrandbits(32 * spec.lanes)
                    ctx.set(dut.flushed[group].valid, 1)
                    ctx.set(dut.flushed[group].place, place)
                    ctx.set(dut.flushed[group].pixels, pixels)
                    address = base + (square * tiles + global_number(config, group, place)) * tile_bytes
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
            ctx.set(dut.flushed[0].valid, flights.pop(0))
            flights.append(reserve)
            await ctx.tick()

    log = bench.sink(dut.memory.request, 0)
    bench.logs.remove(log)  # how many come is open
    bench.process(run)
    bench.run(drain=200)
    assert log.cycles == list(range(log.cycles[0], log.cycles[0] + len(log.cycles)))
    assert len(log.cycles) > 150
