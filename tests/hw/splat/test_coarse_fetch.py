"""Coarse fetch: the halves of every visited voxel, row by row, for every width and number of lanes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hw.splat.coarse_fetch import CoarseFetch
from hw.splat.config import Config, tiny
from tests.hw.lib.bench import Bench
from tests.hw.lib.byte_memory import ByteMemory
from tests.hw.splat.datapath import Payload, same
from tests.hw.splat.streams import hold_frame, rows_of, visit_payload
from tests.hw.splat.workload import workload

#: Memory width, lanes, words read ahead (less than a burst, and more).
SHAPES = [(128, 1, 16), (128, 2, 4), (256, 4, 6), (512, 4, 16), (512, 8, 64)]


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
