"""Voxel order: every group's voxels, nearest first, equal bounds by number; none twice, none lost uncounted."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from amaranth.hdl import Value

from hw.lib.fields import pack
from hw.splat.config import tiny
from hw.splat.voxel_order import VoxelOrder
from tests.hw.lib.bench import Bench
from tests.hw.splat.datapath import Payload, same

CAPACITY = 64


def voxels(random: Random, count: int, columns: int, rows: int) -> list[Payload]:
    """Bounds of all sizes and both signs, many equal; ranges anywhere."""
    found: list[Payload] = []
    for number in range(count):
        ends = [sorted(random.randrange(n) for _ in range(2)) for n in (columns, rows)]
        bound = random.choice([random.randint(-3, 3), random.randint(-(2**31), 2**31 - 1), random.randint(0, 2**20)])
        entry = {"index": [number, -number, 3], "count": number + 1, "first": 8 * number}
        found.append({"entry": entry, "bound": bound, "first": [e[0] for e in ends], "last": [e[1] for e in ends]})
    return found


def lists(given: list[Payload], columns: int, rows: int) -> list[Payload]:
    """What is sent on for the voxels that fit."""
    order = sorted(given[:CAPACITY], key=lambda v: v["bound"])
    sent: list[Payload] = []
    for row in range(rows):
        for column in range(columns):
            here = [
                v for v in order if v["first"][0] <= column <= v["last"][0] and v["first"][1] <= row <= v["last"][1]
            ]
            sent += [{"entry": v["entry"], "bound": v["bound"], "end": 0} for v in here]
            sent.append({"end": 1})
    return sent


@pytest.mark.parametrize(("put", "get"), [(0, 0), (0.3, 0.6)])
def test_frames(put: float, get: float, seed: int) -> None:
    """Several frames on end: one, none and more voxels than fit, no groups at all."""
    config = replace(tiny(), order_voxels=CAPACITY)
    dut: Any = VoxelOrder(config=config)
    bench = Bench(dut, seed=seed, deadline=60_000)
    frames = [(40, 3, 2), (0, 2, 2), (1, 1, 1), (CAPACITY, 2, 3), (CAPACITY + 9, 4, 1), (20, 0, 3), (30, 5, 2)]
    given = [voxels(bench.random, count, max(columns, 1), rows) for count, columns, rows in frames]
    expected = [v for made, (_, columns, rows) in zip(given, frames, strict=True) for v in lists(made, columns, rows)]
    log = bench.sink(dut.o, len(expected), stall=get)
    lost: list[int] = []

    async def run(ctx: Any) -> None:
        for made, (_, columns, rows) in zip(given, frames, strict=True):
            ctx.set(dut.columns, columns)
            ctx.set(dut.rows, rows)
            lost.append(0)
            for voxel in made:
                while bench.stall(put):
                    await ctx.tick()
                ctx.set(Value.cast(dut.i.payload), pack(dut.i.payload.shape(), voxel))
                ctx.set(dut.i.valid, 1)
                ready = False
                while not ready:
                    _, _, ready, dropped = await ctx.tick().sample(dut.i.ready, dut.lost)
                    lost[-1] += dropped
                ctx.set(dut.i.valid, 0)
            ctx.set(dut.end, 1)
            await ctx.tick()
            ctx.set(dut.end, 0)
            while not ctx.get(dut.taking):
                await ctx.tick()

    bench.process(run)
    bench.run(drain=300)
    same(log.values, expected)
    assert lost == [max(len(made) - CAPACITY, 0) for made in given]
