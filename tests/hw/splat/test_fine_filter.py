"""Fine filter: unit and stage equal the model word for word."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from golden.splat.spec import DEFAULT, SCALE_BIAS, TINY, Spec
from hw.splat.fine_filter import FineFilter
from hw.splat.fine_unit import FineUnit
from tests.golden.splat.cases import case
from tests.golden.splat.views import View
from tests.hw.lib.bench import Bench
from tests.hw.splat.datapath import Payload, answers, same
from tests.hw.splat.streams import detail_payload, hold_frame
from tests.hw.splat.workload import Workload, workload, workload_of

GROUP_FIELDS = ("centre_x", "centre_y", "valid_columns", "valid_rows")


def details(w: Workload, number: int) -> list[Payload]:
    """The candidates of a group with their records, and its marks."""
    return [detail_payload(w, payload) for payload, _ in w.candidates(w.groups[number])]


def needles(v: View) -> View:
    """Every third Gaussian becomes so long and thin that its covariance is a line."""
    scale = v.image.scale.copy()
    scale[::3] = [(SCALE_BIAS + 1) << v.spec.scale_fraction, 0, 0]
    return replace(v, image=replace(v.image, scale=scale))


@pytest.mark.parametrize(("name", "spec"), [("random", DEFAULT), ("far", TINY), ("close", DEFAULT)])
def test_fine_unit(name: str, spec: Spec, seed: int) -> None:
    """Every field of every splat; candidates that are no splat say so, and only marks are worth keeping then."""
    w = workload_of(needles(case(name, spec)))
    # The group with the most Gaussians of which some are dropped.
    number = max(range(len(w.groups)), key=lambda n: len(w.view.candidates(w.groups[n])))
    inputs, expected = details(w, number), w.filtered(w.groups[number])
    rng = Random(seed)
    dropped = [k for k, each in enumerate(expected) if inputs[k]["mark"]["some"] > each["mark"]["some"]]
    chosen = sorted({*rng.sample(range(len(inputs)), 80), *rng.sample(dropped, min(60, len(dropped)))})
    group = {field: w.entries[number][field] for field in GROUP_FIELDS}
    got = answers(FineUnit(spec=spec), [{"detail": inputs[k], **group} for k in chosen], header=w.header)
    same([each["survivor"] for each in got], [expected[k] for k in chosen])
    assert 20 < sum(expected[k]["mark"]["some"] for k in chosen) < len(chosen)
    for each in got:
        mark = each["survivor"]["mark"]
        assert each["keep"] == mark["some"] | mark["begin"] | mark["end"]


@pytest.mark.parametrize(("put", "get"), [(0, 0), (0.3, 0.4)])
def test_fine_filter(put: float, get: float, seed: int) -> None:
    """Groups in a row: the survivors of each, its marks in their places, nothing else."""
    w, numbers = workload(), (2, 3, 5)
    dut = FineFilter(spec=w.view.spec)
    bench = Bench(dut, seed=seed)
    hold_frame(bench, w.header)
    bench.source(dut.i, [d for number in numbers for d in details(w, number)], stall=put)
    bench.source(dut.groups, [w.entries[number] for number in numbers], stall=put)
    expected = [s for number in numbers for s in w.survivors(w.groups[number])]
    log = bench.sink(dut.o, len(expected), stall=get)
    bench.run(drain=70)
    same(log.values, expected)
