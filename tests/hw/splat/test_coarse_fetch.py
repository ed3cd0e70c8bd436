"""Coarse fetch: the halves of every visited voxel, row by row, for every width and number of lanes."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from golden.splat.memory_map import COARSE_BYTES, coarse_half
from golden.splat.spec import TINY
from hw.splat.coarse_fetch import CoarseFetch
from hw.splat.config import Config, tiny
from hw.splat.layouts import VisitLayout
from tests.golden.splat.rows import row
from tests.hw.lib.bench import Bench
from tests.hw.lib.byte_memory import ByteMemory
from tests.hw.splat.datapath import Payload, same
from tests.hw.splat.ordered import ordered_workload
from tests.hw.splat.streams import hold_frame, rows_of, visit_payload, whole
from tests.hw.splat.workload import workload

#: Memory width, lanes, words read ahead (less than a burst, and more).
SHAPES = [(128, 1, 16), (128, 2, 4), (256, 4, 6), (512, 4, 16), (512, 8, 64)]
ADDRESS = 512  # of the halves without gaps


def by_lane(row: Payload) -> Payload:
    """Halves of the lanes that the mask names."""
    return row | {"halves": {k: half for k, half in enumerate(row["halves"]) if row["mask"] >> k & 1}}


@pytest.mark.parametrize(("width", "lanes", "words"), SHAPES)
@pytest.mark.parametrize(("memory", "get"), [(0, 0), (0.3, 0.4)])
def test_rows(width: int, lanes: int, words: int, memory: float, get: float, seed: int) -> None:
    """Every Gaussian of two groups once, under its number, with its voxel; an empty row at the end of each."""
    w = workload()
    config: Config = replace(tiny(), memory_width=width, coarse_lanes=lanes, coarse_words=words)
    dut = CoarseFetch(config=config)
    bench = Bench(dut, seed=seed)
    hold_frame(bench, w.header)
    port = ByteMemory(bench, dut.memory, w.content, latency=11, stall=memory)
    visits = [v for number in (5, 3) for v in w.visits(w.groups[number])]
    bench.source(dut.i, [visit_payload(w.view.spec, v) for v in visits], stall=memory)
    expected = [row for v in visits for row in rows_of(w, v, lanes)]
    log = bench.sink(dut.o, len(expected), stall=get)
    bench.run(drain=30)
    same([by_lane(row) for row in log.values], expected)
    # Nothing is read but the words of the voxels.
    per_word = width // 64
    assert sum(length for _, length in port.bursts) == sum(-(-v.get("count", 0) // per_word) for v in visits)


@pytest.mark.parametrize("books", [0, 1])
@pytest.mark.parametrize(("lanes", "get"), [(1, 0.4), (4, 0)])
def test_rows_in_drawing_order(lanes: int, get: float, books: int, seed: int) -> None:
    """Every Gaussian a row on lane 0, at its number, with the half that memory has, but for a radius rounded up; and
    nothing is read."""
    w = ordered_workload()
    config = replace(tiny(), spec=replace(TINY, codebooks=books), memory_width=512, coarse_lanes=lanes, shared_sort=1)
    dut = CoarseFetch(config=config)
    bench = Bench(dut, seed=seed)
    hold_frame(bench, w.header)
    port = ByteMemory(bench, dut.memory, w.content, latency=11)
    visits = [visit for square in range(len(w.entries)) for visit in w.listed(square)]
    layout = VisitLayout(config.spec, shared=True)
    bench.source(dut.i, [whole(layout, visit) for visit in visits], stall=get)
    expected = [row for square in range(len(w.entries)) for row in w.rows(square)]
    log = bench.sink(dut.o, len(expected), stall=get)
    bench.run(drain=30)
    same([by_lane(row) for row in log.values], expected)
    assert not port.bursts


@pytest.mark.parametrize(("width", "lanes", "words"), SHAPES)
@pytest.mark.parametrize(("memory", "get"), [(0.3, 0.4)])
def test_rows_of_voxels_without_gaps(
    width: int, lanes: int, words: int, memory: float, get: float, seed: int
) -> None:  # fmt: skip
    """With codebooks a voxel begins where the last one ends: rows keep to their places, and masks to their voxel."""
    rng = Random(f"{seed} {width} {lanes}")
    spec = replace(TINY, codebooks=1)
    dut = CoarseFetch(config=replace(tiny(), spec=spec, memory_width=width, coarse_lanes=lanes, coarse_words=words))
    bench = Bench(dut, seed=seed)
    content = rng.randbytes(ADDRESS + 400 * COARSE_BYTES)
    hold_frame(bench, {"coarse_address": ADDRESS})
    port = ByteMemory(bench, dut.memory, content, latency=11, stall=memory)
    visits: list[Payload] = []
    expected: list[Payload] = []
    for _ in range(25):
        first = rng.randrange(350)
        visit = {"first": first, "count": rng.choice([1, 2, 3, 7, 8, 9, rng.randint(1, 40)]), "end": 0}
        visits.append(visit)
        stop = first + visit["count"]
        for base in range(first - first % lanes, stop, lanes):
            inside = {k: base + k for k in range(lanes) if first <= base + k < stop}
            halves = {
                k: row(np.frombuffer(content, np.uint8), coarse_half(spec), ADDRESS + n * COARSE_BYTES, COARSE_BYTES)
                for k, n in inside.items()
            }
            mask = sum(1 << k for k in inside)
            begin = int(base <= first)
            expected.append({"visit": visit, "begin": begin, "index": base, "mask": mask, "halves": halves})
        if rng.random() < 0.2:
            visits.append({"end": 1})
            expected.append({"visit": {"end": 1}, "begin": 0, "mask": 0})
    bench.source(dut.i, [visit_payload(spec, v) for v in visits], stall=memory)
    log = bench.sink(dut.o, len(expected), stall=get)
    bench.run(drain=30)
    same([by_lane(got) for got in log.values], expected)
    per_word = width // 64
    touched = [(v["first"] + v["count"] - 1) // per_word - v["first"] // per_word + 1 for v in visits if "first" in v]
    assert sum(length for _, length in port.bursts) == sum(touched)
