"""Pixel writer: every flushed sub-tile goes to its place in the framebuffer, none is lost while memory is slow."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Any

import pytest
import torch

from golden.splat.memory_map import PIXEL_BYTES
from golden.splat.pixel_lane import Pixels, pixel_bytes
from golden.splat.spec import Spec
from hw.lib.fields import unpack_nested
from hw.splat.config import tiny
from hw.splat.pixel_bytes import StateLayout, pixel_width
from hw.splat.pixel_writer import PixelWriter
from hw.splat.tiles import global_number
from tests.hw.lib.bench import Bench
from tests.hw.splat.datapath import Payload

LATENCY = 22  # from the issue of a flush to its pixels


SQUARES = (3, 1, 2)  # of three frames
BASES = (4096, 1 << 20, 0)


def bytes_of(states: int, spec: Spec) -> int:
    """The framebuffer's bytes of pixels, one state behind the other, by the model."""
    layout = StateLayout(spec)
    pixels = [unpack_nested(states >> k * layout.size & (1 << layout.size) - 1, layout) for k in range(spec.lanes)]
    made = Pixels(
        transmittance=torch.tensor([[pixel["transmittance"] for pixel in pixels]]),
        done=torch.zeros(1, spec.lanes, dtype=torch.bool),
        color=torch.tensor([[pixel["color"] for pixel in pixels]]),
    )
    return int.from_bytes(bytes(pixel_bytes(made, spec).flatten().tolist()), "little")


@pytest.mark.parametrize(
    ("width", "lane_groups", "as_bytes", "lean", "depth"),
    [
        (128, 1, False, 0, 17), (256, 4, True, 0, 17), (512, 2, False, 0, 100), (512, 2, False, 0, 1),
        (128, 1, False, 1, 1), (512, 1, True, 1, 1),
    ],
)  # fmt: skip
@pytest.mark.parametrize(("pause", "stall"), [(0, 0), (0.3, 0.7)])
def test_three_frames(
    width: int, lane_groups: int, as_bytes: bool, lean: int, depth: int, pause: float, stall: float, seed: int
) -> None:
    """Each lane group in an order of its own; a frame begins while some still hand out squares of the one before."""
    config = replace(tiny(), memory_width=width, lane_groups=lane_groups, lean=lean, pixel_depth=depth)
    spec = config.spec
    dut: Any = PixelWriter(config=config, as_bytes=as_bytes)
    width_in = spec.lanes * pixel_width(spec, as_bytes=as_bytes)
    bench = Bench(dut, seed=seed)
    rng = bench.random
    tiles, tile_bytes = spec.columns**2, spec.lanes * PIXEL_BYTES
    words = tile_bytes * 8 // width
    expected: list[Payload] = []
    left = [
        [
            (frame, square, place)
            for frame, squares in enumerate(SQUARES)
            for square in range(squares)
            for place in rng.sample(range(config.places), config.places)
        ]
        for _ in range(lane_groups)
    ]

    async def run(ctx: Any) -> None:
        begun, overlapped, reserve = -1, False, False
        flying: deque[tuple[int, int, int, int, int]] = deque()
        cycle = 0
        while any(left) or flying or ctx.get(dut.busy):
            waiting = [*(more[0][0] for more in left if more), *(flight[2] for flight in flying)]
            begins = begun < len(SQUARES) - 1 and not ctx.get(dut.old) and rng.random() < 0.05
            ctx.set(dut.start, begins)
            if begins:
                ctx.set(dut.squares, SQUARES[begun] if begun >= 0 else 0)
                ctx.set(dut.frame_address, BASES[begun + 1])
                overlapped |= begun in waiting
            may = [k for k, more in enumerate(left) if more and more[0][0] <= begun]
            ctx.set(dut.reserved, reserve)  # of the cycle before: a dispatcher issues by a register
            reserve = bool(may) and ctx.get(dut.room) == 1 and rng.random() >= pause
            if reserve:
                group = rng.choice(may)
                flying.append((cycle + LATENCY, group, *left[group].pop(0)))
            for flushed in dut.flushed:
                ctx.set(flushed.valid, 0)
                ctx.set(flushed.pixels, rng.getrandbits(width_in))
            if flying and flying[0][0] == cycle:
                _, group, frame, square, place = flying.popleft()
                given = rng.getrandbits(width_in)
                pixels = given if as_bytes else bytes_of(given, spec)
                ctx.set(dut.flushed[group].valid, 1)
                ctx.set(dut.flushed[group].place, place)
                ctx.set(dut.flushed[group].pixels, given)
                address = BASES[frame] + (square * tiles + global_number(config, group, place)) * tile_bytes
                for k in range(words):
                    data = pixels >> (k * width) & ((1 << width) - 1)
                    expected.append({"address": address + k * width // 8, "data": data, "last": int(k == words - 1)})
            begun += begins
            await ctx.tick()
            cycle += 1
            assert cycle < 20_000
        ctx.set(dut.reserved, 0)
        assert overlapped

    log = bench.sink(dut.memory.request, sum(SQUARES) * tiles * words, stall=stall)
    bench.process(run)
    bench.run(drain=40)
    assert log.values == expected


def test_as_fast_as_the_memory() -> None:
    """With a memory that takes a word a cycle, none of them passes without a word."""
    dut: Any = PixelWriter(config=tiny())
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
