"""Depth sort: the model's order for any arrivals, sizes and stalls, overflow included."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from golden.splat.spec import TINY
from hw.splat.config import Config, tiny
from hw.splat.depth_sort import DepthSort
from tests.golden.splat.arrivals import Arrivals, arrivals
from tests.hw.lib.bench import Bench
from tests.hw.splat.datapath import Payload, same
from tests.hw.splat.streams import joined, survivor_payload
from tests.hw.splat.workload import workload


def config_of(levels: int, banks: int, inputs: int = 1) -> Config:
    config = replace(tiny(), spec=replace(TINY, sort_levels=levels, sort_banks=banks))
    return replace(config, memory_width=512, coarse_lanes=2, fine_units=2) if inputs > 1 else config


def marked(rng: Random, a: Arrivals, first: int) -> list[Payload]:
    """The survivors of a group with their marks, numbered from `first` in a splat's fields, and its end."""
    result: list[Payload] = []
    for voxel, bound in enumerate(a.bounds):
        begin = {"begin": 1, "end": 0, "bound": bound}
        here = [i for i, v in enumerate(a.visit) if v == voxel]
        if not here or rng.random() < 0.3:  # the first row may be without a survivor
            result.append({"mark": {"some": 0, **begin}})
            begin = {"begin": 0, "end": 0}
        for i in here:
            mean = [(first + i) & 0xFFF, (first + i) >> 12]
            result.append(
                {
                    "mark": {"some": 1, **begin},
                    "depth": a.key[i],
                    "rank": a.rank[i],
                    "touch": {"row": {"first": i % 4, "last": i % 3}},
                    "splat": {"mean": mean},
                }
            )
            begin = {"begin": 0, "end": 0}
    return [*result, {"mark": {"some": 0, "begin": 0, "end": 1}}]


def expected_order(groups: list[list[Payload]], orders: list[list[int]]) -> list[Payload]:
    """Every group's splats in its order, and an end."""
    result: list[Payload] = []
    for group, order in zip(groups, orders, strict=True):
        kept = [{name: payload[name] for name in ("touch", "splat")} for payload in group if payload["mark"]["some"]]
        result += [{"end": 0, **kept[i]} for i in order] + [{"end": 1}]
    return result


class Watch:
    """Counts what the sort reports, and checks `held` against what went in and out of its banks."""

    def __init__(self, bench: Bench) -> None:
        self.forced = self.regressed = self.deepest = 0
        self.dut: Any = bench.dut
        bench.process(self._run)

    async def _run(self, ctx: Any) -> None:
        while True:
            _, _, forced, regressed, held = await ctx.tick().sample(self.dut.forced, self.dut.regressed, self.dut.held)
            self.forced += forced
            self.regressed += regressed
            self.deepest = max(self.deepest, held)


@pytest.mark.parametrize(
    ("levels", "banks", "inputs", "put", "get"),
    [
        (3, 1, 1, 0, 0), (3, 2, 1, 0, 0.7), (3, 4, 1, 0.6, 0), (3, 4, 1, 0, 0), (4, 2, 1, 0.3, 0.3), (5, 1, 1, 0, 0.5),
        (3, 8, 1, 0, 0), (3, 2, 2, 0, 0), (3, 2, 2, 0, 0.7), (3, 4, 2, 0, 0), (4, 4, 2, 0.3, 0.3), (3, 8, 2, 0, 0.2),
    ],
)  # fmt: skip
def test_random_arrivals(levels: int, banks: int, inputs: int, put: float, get: float, seed: int) -> None:
    """Eight groups, some empty, some that overflow: the model's order, and as many forced departures."""
    rng = Random(f"{seed} {levels} {banks} {put}")
    config = config_of(levels, banks, inputs)
    dut = DepthSort(config=config)
    bench = Bench(dut, seed=seed)
    watch = Watch(bench)
    made = [
        arrivals(rng, voxels=rng.choice([1, 4, 10]), crowd=rng.choice([2, 12, 40]), spread=rng.choice([1, 30, 500]))
        for _ in range(7)
    ]
    made.insert(3, Arrivals(key=[], visit=[], bounds=[]))
    answers = [a.sorted(config.spec) for a in made]
    groups = [marked(rng, a, 64 * n) for n, a in enumerate(made)]
    arriving = [p for group in groups for p in group]
    if inputs > 1:
        arriving = joined(arriving, lambda: rng.random() < 0.7)
    bench.source(dut.i, [survivor_payload(config.spec, p, inputs) for p in arriving], stall=put)
    expected = expected_order(groups, [order for order, _, _ in answers])
    log = bench.sink(dut.o, len(expected), stall=get)
    bench.run(drain=30)
    same(log.values, expected)
    assert watch.forced == sum(forced for _, forced, _ in answers)
    assert watch.forced > 0 or banks << levels > 16, "nothing overflowed"
    assert watch.regressed == 0
    # The hardware may be late to let safe survivors go, and take the next group meanwhile.
    assert watch.deepest <= banks * config.spec.bank_capacity


def test_real_groups(seed: int) -> None:
    """The survivors of a frame, group behind group."""
    w = workload()
    config = replace(tiny(), spec=replace(w.view.spec, sort_levels=5))
    dut = DepthSort(config=config)
    bench = Bench(dut, seed=seed)
    numbers = (0, 2, 3, 4)
    bench.source(
        dut.i, [survivor_payload(config.spec, s) for n in numbers for s in w.survivors(w.groups[n])], stall=0.2
    )
    expected = [payload for n in numbers for payload in w.drawn(w.groups[n], config.spec)]
    log = bench.sink(dut.o, len(expected), stall=0.2)
    bench.run(drain=30)
    same(log.values, expected)


def test_a_bound_that_falls_is_counted() -> None:
    """The higher bound stays: what is behind it waits, and the fall is reported."""
    config = config_of(4, 1)
    dut = DepthSort(config=config)
    bench = Bench(dut)
    watch = Watch(bench)
    marks = [{"begin": 1, "end": 0, "bound": bound} for bound in (100, 50, 60, 100, 200)]
    depths = [150, 120, 90, 170, 210]
    inputs = [
        {"mark": {"some": 1, **m}, "depth": d, "splat": {"opacity": d}} for m, d in zip(marks, depths, strict=True)
    ]
    ends = {"mark": {"some": 0, "begin": 0, "end": 1}}
    bench.source(dut.i, [survivor_payload(config.spec, p) for p in [*inputs, ends]])
    expected = [*({"end": 0, "splat": {"opacity": d}} for d in (90, 120, 150, 170, 210)), {"end": 1}]
    log = bench.sink(dut.o, len(expected))
    bench.run()
    same(log.values, expected)
    assert watch.regressed == 2


def test_pace() -> None:
    """Two banks take a survivor a cycle once they are clear, and send one a cycle when the nearest stand in turn."""
    config = config_of(6, 2)
    dut = DepthSort(config=config)
    bench = Bench(dut)
    mark = {"some": 1, "begin": 0, "end": 0}
    inputs = [{"mark": mark, "depth": 50 + n, "splat": {"opacity": n}} for n in range(100)]
    ends = {"mark": {"some": 0, "begin": 0, "end": 1}}
    source = bench.source(dut.i, [survivor_payload(config.spec, p) for p in [*inputs, ends]])
    log = bench.sink(dut.o, 101)
    bench.run()
    assert source.cycles[-1] - source.cycles[0] == 100
    assert log.cycles[99] - log.cycles[0] == 99
    assert log.cycles[0] - source.cycles[-1] <= 8


def test_pace_of_scattered_keys(seed: int) -> None:
    """Four banks send 19 in 20 cycles, though two splats behind one another often stand in one bank."""
    rng = Random(f"{seed} pace")
    config = config_of(7, 4)
    dut = DepthSort(config=config)
    bench = Bench(dut)
    mark = {"some": 1, "begin": 0, "end": 0}
    inputs = [{"mark": mark, "depth": rng.randrange(1 << 12), "rank": n} for n in range(480)]
    ends = {"mark": {"some": 0, "begin": 0, "end": 1}}
    bench.source(dut.i, [survivor_payload(config.spec, p) for p in [*inputs, ends]])
    log = bench.sink(dut.o, 481)
    bench.run()
    assert log.cycles[-1] - log.cycles[0] <= 20 / 19 * 481


def test_pace_of_pairs(seed: int) -> None:
    """Four banks take two survivors a cycle in nine of ten cycles, and what has come together leaves one by one."""
    rng = Random(f"{seed} pairs")
    config = config_of(8, 4, 2)
    dut = DepthSort(config=config)
    bench = Bench(dut)
    mark = {"some": 1, "begin": 0, "end": 0}
    inputs = [{"mark": mark, "depth": rng.randrange(1 << 12), "rank": n} for n in range(480)]
    ends = {"mark": {"some": 0, "begin": 0, "end": 1}}
    pairs = joined([*inputs, ends], lambda: True)
    assert len(pairs) == 241
    source = bench.source(dut.i, [survivor_payload(config.spec, p, 2) for p in pairs])
    log = bench.sink(dut.o, 481)
    bench.run()
    assert source.cycles[-1] - source.cycles[0] <= 10 / 9 * 240
    assert log.cycles[-1] - log.cycles[0] <= 20 / 19 * 481
