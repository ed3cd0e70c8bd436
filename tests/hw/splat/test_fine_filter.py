"""Fine filter: unit and stage equal the model word for word."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from golden.splat.spec import DEFAULT, NANO, SCALE_BIAS, TINY, Spec
from hw.splat.config import tiny
from hw.splat.fine_filter import FineFilter
from hw.splat.fine_pair import FinePair
from hw.splat.fine_unit import FineUnit
from tests.golden.splat.cases import case
from tests.golden.splat.views import View
from tests.hw.lib.bench import Bench
from tests.hw.splat.datapath import Payload, answers, same
from tests.hw.splat.streams import detail_payload, hold_frame
from tests.hw.splat.workload import Workload, paired, workload, workload_of

GROUP_FIELDS = ("centre_x", "centre_y", "valid_columns", "valid_rows")


def details(w: Workload, number: int) -> list[Payload]:
    """The candidates of a group with their records, and its marks."""
    return [detail_payload(w, payload) for payload, _ in w.candidates(w.groups[number])]


def needles(v: View) -> View:
    """Every third Gaussian becomes so long and thin that its covariance is a line."""
    scale = v.image.scale.copy()
    scale[::3] = [(SCALE_BIAS + 1) << v.spec.scale_fraction, 0, 0]
    return replace(v, image=replace(v.image, scale=scale))


@pytest.mark.parametrize(
    ("name", "spec", "interval"),
    [
        ("random", DEFAULT, 1), ("far", TINY, 1), ("close", DEFAULT, 1), ("far", TINY, 2), ("random", NANO, 16),
        ("close", NANO, 8),
    ],
)  # fmt: skip
def test_fine_unit(name: str, spec: Spec, interval: int, seed: int) -> None:
    """Every field of every splat; candidates that are no splat say so, and only marks are worth keeping then."""
    w = workload_of(needles(case(name, spec)))
    # The group with the most Gaussians of which some are dropped.
    number = max(range(len(w.groups)), key=lambda n: len(w.view.candidates(w.groups[n])))
    inputs, expected = details(w, number), w.filtered(w.groups[number])
    rng = Random(seed)
    dropped = [k for k, each in enumerate(expected) if inputs[k]["mark"]["some"] > each["mark"]["some"]]
    chosen = sorted({*rng.sample(range(len(inputs)), 80), *rng.sample(dropped, min(60, len(dropped)))})
    group = {field: w.entries[number][field] for field in GROUP_FIELDS}
    got = answers(
        FineUnit(spec=spec, interval=interval), [{"detail": inputs[k], **group} for k in chosen], header=w.header
    )
    same([each["survivor"] for each in got], [expected[k] for k in chosen])
    least = 5 if spec is NANO else 20  # a square of 8×8 pixels sees fewer
    assert least < sum(expected[k]["mark"]["some"] for k in chosen) < len(chosen)
    for each in got:
        mark = each["survivor"]["mark"]
        assert each["keep"] == mark["some"] | mark["begin"] | mark["end"]


def pairs(w: Workload, number: int, lanes: int = 4) -> list[Payload]:
    """The candidates of a group as two units get them, with their records, and its marks."""
    return [
        detail_payload(w, each) for each in paired([payload for payload, _ in w.candidates(w.groups[number], lanes)])
    ]


def test_fine_pair() -> None:
    """Both units on their own Gaussian, the mark with the first; every combination of splats and none."""
    w = workload_of(needles(case("random", TINY)))
    number = max(range(len(w.groups)), key=lambda n: len(w.view.candidates(w.groups[n])))
    inputs = pairs(w, number)
    group = {field: w.entries[number][field] for field in GROUP_FIELDS}
    got = answers(FinePair(spec=TINY), [{"detail": each, **group} for each in inputs], header=w.header)
    for detail, each in zip(inputs, got, strict=True):
        marks = [each[name]["survivor"]["mark"] for name in ("first", "second")]
        assert (marks[0]["begin"], marks[0]["end"]) == (detail["mark"]["begin"], detail["mark"]["end"])
        assert (marks[1]["begin"], marks[1]["end"]) == (0, 0)
        assert each["keep"] == int(any(mark[name] for mark in marks for name in ("some", "begin", "end")))
    found = [each[name]["survivor"] for each in got for name in ("first", "second")]
    same([s for s in found if s["mark"]["some"]], [s for s in w.survivors(w.groups[number], 4) if s["mark"]["some"]])
    kinds = {(each["first"]["survivor"]["mark"]["some"], each["second"]["survivor"]["mark"]["some"]) for each in got}
    assert len(kinds) == 4


def joined_survivors(found: list[Payload], given: list[Payload]) -> list[Payload]:
    """What is sent on of each candidate, or of both of a pair, as one payload."""
    each = iter(found)
    result: list[Payload] = []
    for detail in given:
        both = [next(each) for _ in range(1 + detail["partner"]["there"])]
        splats = [{name: value for name, value in s.items() if name != "mark"} for s in both if s["mark"]["some"]]
        mark = both[0]["mark"] | {"some": int(bool(splats))}
        if len(splats) > 1:
            result.append({"mark": mark, **splats[0], "partner": {"there": 1, **splats[1]}})
        elif any(mark[name] for name in ("some", "begin", "end")):
            result.append({"mark": mark, **(splats[0] if splats else {})})
    return result


@pytest.mark.parametrize(
    ("units", "inputs", "put", "get"),
    [(1, 1, 0, 0), (1, 1, 0.3, 0.4), (2, 1, 0, 0), (2, 1, 0.3, 0.4), (2, 2, 0, 0), (2, 2, 0.3, 0.4)],
)
def test_fine_filter(units: int, inputs: int, put: float, get: float, seed: int) -> None:
    """Groups in a row: the survivors of each, its marks in their places, nothing else."""
    w, numbers = workload_of(needles(workload().view)), (2, 3, 5)
    config = replace(tiny(), memory_width=512, coarse_lanes=4, fine_units=units)
    config = replace(config, spec=replace(config.spec, sort_banks=inputs))
    assert config.sort_inputs == inputs
    dut = FineFilter(config=config)
    bench = Bench(dut, seed=seed)
    hold_frame(bench, w.header)
    given = [detail for n in numbers for detail in (pairs(w, n) if units > 1 else details(w, n))]
    bench.source(dut.i, given, stall=put)
    bench.source(dut.groups, [w.entries[number] for number in numbers], stall=put)
    lanes = 4 if units > 1 else 1
    expected = [s for number in numbers for s in w.survivors(w.groups[number], lanes)]
    assert sum(s["mark"]["some"] for s in expected) < 0.9 * sum(len(w.view.candidates(w.groups[n])) for n in numbers)
    if inputs > 1:
        expected = joined_survivors([s for n in numbers for s in w.filtered(w.groups[n], lanes)], given)
        assert 5 < sum("partner" in each for each in expected) < len(expected) - 20
    log = bench.sink(dut.o, len(expected), stall=get)
    bench.run(drain=70)
    same(log.values, expected)
