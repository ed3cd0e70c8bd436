"""Coarse filter: the lane, and the stage with its `coarse_row` of lanes, equal the model, survivor by survivor."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest
import torch

from golden.splat.coarse_filter import coarse_filter, radius_times_stretch, reach, stretch, voxel_fetch
from golden.splat.frame import Group
from golden.splat.spec import DEFAULT, DEPTH_DROP, TINY, Spec
from hw.splat.coarse_filter import CoarseFilter
from hw.splat.coarse_lane import CoarseLane
from hw.splat.config import tiny
from tests.golden.splat.cases import CASES, case
from tests.golden.splat.views import View
from tests.hw.lib.bench import Bench
from tests.hw.splat.datapath import Payload, answers, same
from tests.hw.splat.ordered import ordered_workload
from tests.hw.splat.streams import hold_frame, row_payload, rows_of
from tests.hw.splat.workload import Workload, group_inputs, paired, slab_of, workload, workload_of


def whole_scene(w: Workload) -> Group:
    """The middle group, as if it visited every voxel, and of any depth."""
    voxels = np.arange(len(w.view.image.grid))
    anywhere = w.view.spec.camera_format
    return replace(
        w.view.middle,
        voxels=voxels,
        depths=np.zeros_like(voxels),
        low=anywhere.low,
        high=anywhere.high,
        continued=False,
    )


@pytest.mark.parametrize("slab", [False, True])
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("spec", [DEFAULT, TINY, replace(DEFAULT, position_bits=12)], ids=["default", "tiny", "coarse"])
def test_coarse_lane(name: str, spec: Spec, slab: bool, seed: int) -> None:
    """Position, both ways, and the tests, for Gaussians on both sides of every plane; masked lanes keep none."""
    v = case(name, spec)
    w = workload_of(v)
    group = slab_of(v, whole_scene(w)) if slab else whole_scene(w)
    visits, known = w.visits(group), group_inputs(group)
    streamed, visit = voxel_fetch(v.image, v.frame, group, spec)
    kept = coarse_filter(streamed, v.image, v.frame, group, spec)
    rows: list[Payload] = []
    wanted: list[Payload] = []
    rng = Random(seed)
    chosen: list[int] = []
    for side in (kept, ~kept):
        found = torch.nonzero(side)[:, 0].tolist()
        chosen += rng.sample(found, min(len(found), 100))
    assert len(chosen) > (105 if slab else 110)
    for n in chosen:
        voxel, mask = visits[int(visit[n])], int(n % 10 != 3)
        corner = {name: voxel[name] for name in ("origin", "relative")}
        rows.append({"half": w.half(w.index(int(streamed.place[n]))), **corner, "mask": mask, **known})
        place = {"point": streamed.point[n].tolist(), "relative": streamed.relative[n].tolist()}
        wanted.append({"keep": int(kept[n]) & mask, **place})
    same(answers(CoarseLane(spec=spec), rows, header=w.header), wanted)


def last_kept(plane: int, outwards: int, span: int, radius: torch.Tensor, depth: int, axis: int, v: View) -> int:
    """The coordinate furthest outside a plane at which a Gaussian is kept, if no bound of its stretch ends there."""
    widest = (v.frame.stretch_x, v.frame.stretch_y)[axis]
    place = plane
    for _ in range(4):  # the reach grows with the stretch, which grows with the place
        bound = stretch(torch.tensor([place]), torch.tensor([depth]), widest)
        further = reach(radius_times_stretch(radius[None], bound), torch.tensor([span]), v.spec)
        place = plane + outwards * int(further)
    return place


@pytest.mark.parametrize("spec", [DEFAULT, TINY], ids=["default", "tiny"])
def test_coarse_lane_at_its_borders(spec: Spec, seed: int) -> None:
    """Gaussians moved to a side of the group, the near plane or an end of a slab: the last code kept, and the next."""
    v = case("close", spec)
    w = workload_of(v)
    group = whole_scene(w)
    slab = slab_of(v, group)
    visits = w.visits(group)
    streamed, visit = voxel_fetch(v.image, v.frame, group, spec)
    rows: list[Payload] = []
    points: list[list[int]] = []
    chosen = Random(seed).choices(torch.nonzero(streamed.point[:, 2] > v.frame.near)[:, 0].tolist(), k=240)
    radius = torch.from_numpy(v.image.radius)[streamed.place]
    for number, n in enumerate(chosen):
        side, step = number % 7, number // 7 % 2
        point = streamed.point[n].tolist()
        ends = {4: v.frame.near + 1 - step, 5: slab.low - step, 6: slab.high - 1 + step}
        depth = ends.get(side, point[2])
        z = depth >> DEPTH_DROP
        low = [z * group.slopes[k] >> spec.slope_format.fraction - DEPTH_DROP for k in range(4)]
        moved = [(low[0] + low[1]) // 2, (low[2] + low[3]) // 2, depth]
        if side < 4:
            axis, outwards = side // 2, 1 if side % 2 else -1
            moved[axis] = last_kept(low[side], outwards, low[side | 1] - low[side & 2], radius[n], depth, axis, v)
            moved[axis] += outwards * step
        voxel = visits[int(visit[n])]
        origin = [o + new - old for o, new, old in zip(voxel["origin"], moved, point, strict=True)]
        points.append(moved)
        half = w.half(w.index(int(streamed.place[n])))
        known = group_inputs(slab if side > 4 else group)
        rows.append({"half": half, "origin": origin, "relative": voxel["relative"], "mask": 1, **known})
    candidates = replace(streamed.select(torch.tensor(chosen)), point=torch.tensor(points))
    whole, part = (coarse_filter(candidates, v.image, v.frame, g, spec) for g in (group, slab))
    kept = torch.where(torch.arange(len(chosen)) % 7 > 4, part, whole)
    assert 80 < int(kept.sum()) < 200
    assert 10 < int(kept[5::7].sum()) < 25
    assert 10 < int(kept[6::7].sum()) < 25
    got = answers(CoarseLane(spec=spec), rows, header=w.header)
    same(got, [{"keep": int(k), "point": p} for k, p in zip(kept, points, strict=True)])


WIDTH = 1500  # between two planes, slope_format


def reach_at(n: int, place: int, axis: int, depth: int, v: View) -> int:
    """How far Gaussian `n` reaches there, with planes that are WIDTH apart."""
    span = (depth >> DEPTH_DROP) * WIDTH >> v.spec.slope_format.fraction - DEPTH_DROP
    bound = stretch(torch.tensor([place]), torch.tensor([depth]), (v.frame.stretch_x, v.frame.stretch_y)[axis])
    return int(
        reach(radius_times_stretch(torch.from_numpy(v.image.radius)[n : n + 1], bound), torch.tensor([span]), v.spec)
    )


def test_coarse_lane_where_its_stretch_changes(seed: int) -> None:
    """Tangents at 1/4 and 1/2, a step to either side, both signs: one bound keeps, the next does not."""
    v = case("close", DEFAULT)
    w, rng = workload_of(v), Random(seed)
    streamed, visit = voxel_fetch(v.image, v.frame, whole_scene(w), DEFAULT)
    visits = w.visits(whole_scene(w))
    front = torch.nonzero(streamed.point[:, 2] > 1 << 17)[:, 0].tolist()
    rows: list[Payload] = []
    wanted: list[int] = []
    for number in range(240):
        n = rng.choice(front)
        depth = int(streamed.point[n, 2])
        axis, sign, quarters = number % 2, 1 - number // 2 % 2 * 2, 1 + number // 4 % 2
        place = sign * (depth * quarters // 4 + rng.choice([-257, -256, -255, -1, 0, 1, 255]))
        bounds = [
            int(reach_at(n, tangent, axis, depth, v)) for tangent in (quarters * depth // 5, quarters * depth // 3)
        ]
        # A plane at such a slope that the centre is beyond the smaller reach and within the larger.
        slope = round((place - sign * sum(bounds) / 2) / depth / DEFAULT.slope_format.step)
        ends = (slope - WIDTH, slope) if sign > 0 else (slope, slope + WIDTH)
        group = replace(whole_scene(w), slopes=(*ends, -WIDTH, WIDTH) if axis == 0 else (-WIDTH, WIDTH, *ends))
        moved = [0, 0, depth]
        moved[axis] = place
        one = replace(streamed.select(torch.tensor([n])), point=torch.tensor([moved]))
        wanted.append(int(coarse_filter(one, v.image, v.frame, group, DEFAULT)[0]))
        voxel = visits[int(visit[n])]
        origin = [o + new - old for o, new, old in zip(voxel["origin"], moved, streamed.point[n].tolist(), strict=True)]
        half = w.half(w.index(int(streamed.place[n])))
        known = group_inputs(group)
        rows.append({"half": half, "origin": origin, "relative": voxel["relative"], "mask": 1, **known})
    assert 40 < sum(wanted) < 200
    same(answers(CoarseLane(spec=DEFAULT), rows, header=w.header), [{"keep": keep} for keep in wanted])


@pytest.mark.parametrize(
    ("lanes", "units", "degree", "books", "put", "get"),
    [
        (1, 1, 1, 0, 0, 0), (1, 1, 1, 0, 0.3, 0.4), (2, 1, 1, 0, 0, 0.6), (4, 1, 1, 0, 0, 0), (4, 1, 1, 0, 0.4, 0.3),
        (8, 1, 1, 0, 0.2, 0.2), (2, 2, 1, 0, 0.2, 0.5), (4, 2, 1, 0, 0, 0), (8, 2, 0, 0, 0.3, 0.4),
        (4, 2, 2, 0, 0.2, 0.2), (4, 2, 0, 1, 0.2, 0.2), (8, 2, 0, 1, 0, 0), (4, 2, 1, 1, 0, 0),
    ],
)  # fmt: skip
def test_coarse_filter(lanes: int, units: int, degree: int, books: int, put: float, get: float, seed: int) -> None:
    """The survivors of three groups, one a slab, in memory order, each voxel's first payload marked, and the ends.

    With two fine units in pairs, where the records of the scene's degree are small enough; with codebooks any two of
    a row where there are no harmonics.
    """
    w, numbers = workload(), (3, 5, 2)
    spec = replace(w.view.spec, codebooks=books)
    groups = [w.groups[3], slab_of(w.view, w.groups[5]), w.groups[2]]
    width = 512 if units > 1 else 64 * max(lanes, 2)
    dut = CoarseFilter(config=replace(tiny(), spec=spec, memory_width=width, coarse_lanes=lanes, fine_units=units))
    bench = Bench(dut, seed=seed)
    hold_frame(bench, w.header | {"sh_degree": degree})
    visits = [visit for group in groups for visit in w.visits(group)]
    rows = [row_payload(spec, row, lanes) for visit in visits for row in rows_of(w, visit, lanes)]
    bench.source(dut.i, rows, stall=put)
    bench.source(dut.groups, [w.entries[n] | group_inputs(g) for n, g in zip(numbers, groups, strict=True)], stall=put)
    single = [payload for group in groups for payload, _ in w.candidates(group, lanes)]
    pairs = units > 1 and degree < (1 if books else 2)
    expected = paired(single, lanes if books else 2) if pairs else single
    assert (len(expected) < 0.9 * len(single)) == pairs
    log = bench.sink(dut.o, len(expected), stall=get)
    bench.run(drain=30)
    same(log.values, expected)
    if units > 1 and not pairs:
        assert not any(payload["partner"]["there"] for payload in log.values)


@pytest.mark.parametrize(("lanes", "interval"), [(1, 1), (4, 1), (2, 4)])
def test_how_many_voxels_lie_before_a_slabs_end(lanes: int, interval: int) -> None:
    """Of slabs that end early and late, whole groups, and lists of no voxel: what a next slab need not read again."""
    w = workload()
    nearest, *_, furthest = sorted(w.groups[5].depths.tolist())
    depths = [nearest + (furthest - nearest) * n // 8 for n in range(1, 8)]
    slabs = [replace(w.groups[5], high=depth) for depth in depths]
    empty = replace(w.groups[5], voxels=np.array([], int), depths=np.array([], int))
    groups = [empty, *slabs, w.groups[3], slabs[2]]
    dut = CoarseFilter(
        config=replace(tiny(), memory_width=64 * max(lanes, 2), coarse_lanes=lanes, coarse_interval=interval)
    )
    bench = Bench(dut)
    hold_frame(bench, w.header)
    rows = [row_payload(TINY, row, lanes) for g in groups for visit in w.visits(g) for row in rows_of(w, visit, lanes)]
    bench.source(dut.i, rows)
    bench.source(dut.groups, [w.entries[5] | group_inputs(g) for g in groups])
    expected = [payload for group in groups for payload, _ in w.candidates(group, lanes)]
    bench.sink(dut.o, len(expected))
    passed: list[int] = []

    async def watch(ctx: Any) -> None:
        while True:
            _, _, moves, end, count = await ctx.tick().sample(
                dut.o.valid & dut.o.ready, dut.o.payload.mark.end, dut.passed
            )
            passed.extend([count] * (moves & end))

    bench.process(watch)
    bench.run(drain=30)
    wanted: list[int] = []
    for group in groups:
        streamed, visit = voxel_fetch(w.view.image, w.view.frame, group, TINY)
        kept = coarse_filter(streamed, w.view.image, w.view.frame, replace(group, high=TINY.camera_format.high), TINY)
        behind = visit[kept & (streamed.point[:, 2] >= group.high)].tolist()
        wanted.append(min(behind, default=max(len(group.voxels) - 1, 0)))
    assert passed == wanted
    assert len(set(wanted)) > 3


@pytest.mark.parametrize(("lanes", "units", "put", "get"), [(1, 1, 0.3, 0.4), (4, 2, 0, 0)])
def test_lists_in_drawing_order(lanes: int, units: int, put: float, get: float, seed: int) -> None:
    """What passes at the true pose, one by one in the list's order, without marks of voxels or partners."""
    w = ordered_workload()
    config = replace(tiny(), memory_width=512, coarse_lanes=lanes, fine_units=units, shared_sort=1)
    dut = CoarseFilter(config=config)
    bench = Bench(dut, seed=seed)
    hold_frame(bench, w.header)
    squares = range(len(w.entries))
    bench.source(dut.i, [row_payload(TINY, row, lanes) for square in squares for row in w.rows(square)], stall=put)
    bench.source(dut.groups, w.entries, stall=put)
    expected = [payload for square in squares for payload in w.passed(square)]
    assert len(squares) < len(expected) < sum(len(places) for places in w.order.places)
    log = bench.sink(dut.o, len(expected), stall=get)
    bench.run(drain=30)
    same(log.values, expected)
    assert units == 1 or not any(payload["partner"]["there"] for payload in log.values)


@pytest.mark.parametrize(("lanes", "units", "get"), [(1, 1, 0.4), (4, 2, 0)])
def test_of_a_frame_that_sorts_all_leave_alone(lanes: int, units: int, get: float, seed: int) -> None:
    """No pairs, and of every radius' code the highest bits; marks as ever."""
    w, numbers = workload(), (3, 2)
    config = replace(tiny(), memory_width=512, coarse_lanes=lanes, fine_units=units, shared_sort=1)
    bench = Bench(CoarseFilter(config=config), seed=seed)
    hold_frame(bench, w.header | {"sorts": 1})
    visits = [visit for n in numbers for visit in w.visits(w.groups[n])]
    rows = [row_payload(TINY, row, lanes) for visit in visits for row in rows_of(w, visit, lanes)]
    bench.source(bench.dut.i, rows)
    bench.source(bench.dut.groups, [w.entries[n] for n in numbers])
    expected = [payload for n in numbers for payload, _ in w.candidates(w.groups[n], lanes)]
    expected = [
        c | ({"radius": w.half(c["index"])["radius"] >> 4} if c["mark"]["some"] else {}) for c in expected
    ]  # fmt: skip
    log = bench.sink(bench.dut.o, len(expected), stall=get)
    bench.run(drain=30)
    same(log.values, expected)
    assert units == 1 or not any(payload["partner"]["there"] for payload in log.values)
