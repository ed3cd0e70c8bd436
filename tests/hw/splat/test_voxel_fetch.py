"""Voxel fetch: every group's list in order, placed in camera space; cut short by `stop`, never mixed up."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from golden.splat.depth_key import depth_key
from golden.splat.memory_map import VOXEL_BYTES
from golden.splat.spec import DEFAULT, TINY, Spec
from golden.splat.vsu import voxel_origins
from hw.splat.config import tiny
from hw.splat.voxel_fetch import VoxelFetch
from hw.splat.voxel_origin import VoxelOrigin
from tests.golden.splat.cases import CASES, case
from tests.hw.lib.bench import Bench
from tests.hw.lib.byte_memory import ByteMemory
from tests.hw.splat.datapath import Payload, answers, same
from tests.hw.splat.ordered import ordered_workload
from tests.hw.splat.streams import hold_frame
from tests.hw.splat.workload import Workload, workload, workload_of

WIDTHS = [128, 256, 512]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(
    ("spec", "interval"),
    [(DEFAULT, 1), (TINY, 1), (replace(DEFAULT, depth_bits=30), 1), (TINY, 4)],
    ids=["default", "tiny", "deep", "once in 4"],
)
def test_voxel_origin(name: str, spec: Spec, interval: int) -> None:
    """Corner, both ways, and sort key of the near bound, for bounds in front of and behind the camera."""
    v = case(name, spec)
    w = workload_of(v)
    relative, origin = voxel_origins(v.image, v.frame, spec)
    depths = [0, 1, -1, 1 << 16, -(1 << 16), (1 << 31) - 1, -(1 << 31), 12345]
    keys = depth_key(torch.tensor(depths), spec).tolist()
    chosen = list(range(0, len(relative), max(1, len(relative) // 60)))
    rows: list[Payload] = []
    wanted: list[Payload] = []
    for n, voxel in enumerate(chosen):
        index = dict(zip(("index_x", "index_y", "index_z"), v.image.grid.index[voxel].tolist(), strict=True))
        depth = depths[n % len(depths)]
        rows.append({"voxel": {**index, "count": n, "first": 8 * n, "depth": depth}, "end": n % 2})
        place = {"relative": relative[voxel].tolist(), "origin": origin[voxel].tolist()}
        wanted.append({**place, "bound": keys[n % len(keys)], "first": 8 * n, "count": n, "end": n % 2})
    same(answers(VoxelOrigin(spec=spec, interval=interval), rows, header=w.header), wanted)


def bench_of(
    w: Workload, width: int, *, memory: float, put: float, entries: list[Payload], seed: int, shared: int = 0
) -> Bench:  # fmt: skip
    dut = VoxelFetch(config=replace(tiny(), memory_width=width, shared_sort=shared))
    bench = Bench(dut, seed=seed)
    hold_frame(bench, w.header)
    ByteMemory(bench, dut.memory, w.content, latency=9, stall=memory)
    bench.source(dut.groups, entries, stall=put)
    return bench


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(("put", "get"), [(0, 0), (0.3, 0.4)])
def test_lists(width: int, put: float, get: float, seed: int) -> None:
    """Every voxel of every group and an end mark behind each, empty lists included; where a square of groups ends."""
    w = workload()
    empty = {**w.entries[0], "list_count": 0}
    entries = [*w.entries, empty, {**empty, "continued": 1}, w.entries[0]]
    entries[2] = {**entries[2], "continued": 1}
    bench = bench_of(w, width, memory=put, put=put, entries=entries, seed=seed)
    dut: Any = bench.dut
    squares: list[int] = []

    async def watch(ctx: Any) -> None:
        while True:
            _, _, walked, square = await ctx.tick().sample(dut.walked, dut.square_walked)
            squares.extend([square] * walked)
            assert walked or not square

    bench.process(watch)
    visits = [w.visits(group) for group in w.groups]
    expected = [v for group in [*visits, [{"end": 1}], [{"end": 1}], visits[0]] for v in group]
    log = bench.sink(bench.dut.o, len(expected), stall=get)
    bench.run(drain=20)
    same(log.values, expected)
    assert squares == [int(not entry["continued"]) for entry in entries]


@pytest.mark.parametrize(("width", "put", "get"), [(128, 0, 0), (512, 0.3, 0.4)])
def test_a_list_ends_with_its_slab(width: int, put: float, get: float, seed: int) -> None:
    """Behind the first voxel beyond the group's depths comes the end mark, and little more of the list is read."""
    w = workload()
    longest = max(range(len(w.groups)), key=lambda n: len(w.groups[n].voxels))
    group, entry = w.groups[longest], w.entries[longest]
    places = [1, len(group.voxels) // 3, 2 * len(group.voxels) // 3]
    near = w.view.frame.near
    highs = [max(int(group.depths[place]), near + 1) for place in places]
    bench = bench_of(
        w, width, memory=put, put=put, entries=[*({**entry, "high": high} for high in highs), entry], seed=seed
    )
    dut: Any = bench.dut
    words = [0]

    async def watch(ctx: Any) -> None:
        while True:
            _, _, asked = await ctx.tick().sample(dut.memory.request.valid & dut.memory.request.ready)
            words[0] += asked

    bench.process(watch)
    visits = w.visits(group)
    expected: list[Payload] = []
    for high in highs:
        beyond = int(np.argmax(np.maximum(group.depths, near) >= high))
        expected += [*visits[: beyond + 1], visits[-1]]
    log = bench.sink(dut.o, len(expected) + len(visits), stall=get)
    bench.run(drain=20)
    same(log.values, [*expected, *visits])
    ahead = dut.config.list_words + 4
    whole = -(-len(group.voxels) * VOXEL_BYTES * 8 // width)
    assert words[0] <= len(expected) * VOXEL_BYTES * 8 // width + len(highs) * ahead + whole


@pytest.mark.parametrize(("width", "put", "get"), [(128, 0, 0), (512, 0.3, 0.4)])
def test_lists_in_drawing_order(width: int, put: float, get: float, seed: int) -> None:
    """Every entry is a visit of its Gaussian; the same engine walks lists of voxels as one without `shared_sort`."""
    w = ordered_workload()
    bench = bench_of(w, width, memory=put, put=put, entries=w.entries, seed=seed, shared=1)
    expected = [visit for square in range(len(w.entries)) for visit in w.listed(square)]
    log = bench.sink(bench.dut.o, len(expected), stall=get)
    bench.run(drain=20)
    same(log.values, expected)
    plain = workload()
    bench = bench_of(plain, width, memory=put, put=put, entries=plain.entries, seed=seed, shared=1)
    visits = [visit for group in plain.groups for visit in plain.visits(group)]
    log = bench.sink(bench.dut.o, len(visits), stall=get)
    bench.run(drain=20)
    same(log.values, visits)


@pytest.mark.parametrize(("width", "put", "get"), [(128, 0, 0), (256, 0.3, 0.4), (512, 0, 0.6), (512, 0.5, 0)])
def test_stop(width: int, put: float, get: float, seed: int) -> None:
    """A stop at any time leaves the beginning of the current list and its end mark; later groups are whole again."""
    w = workload()
    stopped, whole = 8, 4
    # Group 1 is the longest; its list is walked again and again.
    entries = [w.entries[1]] * (stopped + whole)
    bench = bench_of(w, width, memory=put, put=put, entries=entries, seed=seed)
    dut: Any = bench.dut
    log = bench.sink(dut.o, 0, stall=get)
    bench.logs.remove(log)  # how many come is open
    ended: list[int] = []  # number of payloads at each end mark
    pulses = 0

    async def run(ctx: Any) -> None:
        nonlocal pulses
        while len(ended) < stopped + whole:
            # The walk is less than one group ahead of its output.
            stop = len(ended) < stopped - 2 and bench.random.random() < 0.15
            pulses += stop
            ctx.set(dut.stop, stop)
            _, _, moves, end = await ctx.tick().sample(dut.o.valid & dut.o.ready, dut.o.payload.end)
            if moves and end:
                ended.append(len(log.values))

    bench.process(run)
    bench.run(drain=900)
    assert len(ended) == stopped + whole
    assert pulses > 3
    visits = w.visits(w.groups[1])
    groups = [log.values[a:b] for a, b in pairwise([0, *ended])]
    for group in groups:
        same(group, [*visits[: len(group) - 1], visits[-1]])
    assert min(map(len, groups)) < len(visits)
    assert all(len(group) == len(visits) for group in groups[-whole:])


@pytest.mark.parametrize("width", WIDTHS)
def test_stop_is_prompt(width: int) -> None:
    """Under a steady stop no more than one voxel of a list passes."""
    w = workload()
    bench = bench_of(w, width, memory=0, put=0, entries=[w.entries[1]] * 3, seed=0)
    dut: Any = bench.dut
    bench.m.d.comb += dut.stop.eq(1)
    log = bench.sink(dut.o, 0)
    bench.logs.remove(log)  # how many come is open
    bench.run(drain=100)
    ends = [visit["end"] for visit in log.values]
    assert sum(ends) == 3
    assert ends.count(0) <= 3
