"""Mark merger: what the depth sort sees of bounds stays, in fewer payloads."""

from __future__ import annotations

from random import Random

import pytest

from golden.splat.spec import TINY
from hw.splat.layouts import SurvivorLayout
from hw.splat.mark_merger import MarkMerger
from tests.hw.lib.bench import Bench
from tests.hw.splat.datapath import Payload, same
from tests.hw.splat.streams import survivor_payload

Seen = tuple[int, int, bool]  # a splat's number or -1 for an end, the bound before it, one fell before it


def payload(*, some: int = 0, begin: int = 0, end: int = 0, bound: int = 0, number: int = 0) -> Payload:
    mark = {"some": some, "begin": begin, "end": end, "bound": bound}
    return survivor_payload(TINY, {"mark": mark, "rank": number})


def groups(rng: Random) -> list[Payload]:
    """Voxels with and without Gaussians; now and then a bound falls."""
    result: list[Payload] = []
    for _ in range(6):
        bound = 0
        for _ in range(rng.choice([0, 3, 40])):
            bound = max(0, bound + (rng.randrange(9) if rng.random() < 0.7 else -rng.randrange(9)))
            begin = 1
            for _ in range(rng.choice([0, 0, 1, 4])):
                result.append(payload(some=1, begin=begin, bound=bound * begin, number=len(result)))
                begin = 0
            if begin:
                result.append(payload(begin=1, bound=bound))
        result.append(payload(end=1))
    return result


def seen(payloads: list[Payload]) -> list[Seen]:
    """What counts: every splat and every end, the highest bound of its group before it, and whether a bound fell."""
    result: list[Seen] = []
    highest, fell = 0, False
    for p in payloads:
        mark = p["mark"]
        if mark["begin"]:
            fell |= mark["bound"] < highest
            highest = max(highest, mark["bound"])
        if mark["some"]:
            result.append((p["rank"], highest, fell))
        if mark["end"]:
            result.append((-1, 0, fell))
            highest, fell = 0, False
    return result


def merged(payloads: list[Payload]) -> list[Payload]:
    """Of marks alone only those that a lower bound follows are left, with the bound that they are followed by."""
    result: list[Payload] = []
    held: int | None = None
    for p in payloads:
        mark = p["mark"]
        if mark["begin"] and held is not None and mark["bound"] < held:
            result.append(payload(begin=1, bound=held))
            held = None
        if mark["begin"] and not mark["some"]:
            held = mark["bound"]
            continue
        if held is not None and not mark["begin"] and not mark["end"]:
            p = p | {"mark": mark | {"begin": 1, "bound": held}}
        result.append(p)
        held = None
    return result


@pytest.mark.parametrize(("put", "get"), [(0, 0), (0.4, 0), (0, 0.6)])
def test_bounds_stay(put: float, get: float, seed: int) -> None:
    """Splats, ends, bounds and falls are as they were."""
    inputs = groups(Random(f"{seed} marks"))
    wanted = merged(inputs)
    assert seen(wanted) == seen(inputs)
    assert {fell for _, _, fell in seen(inputs)} == {False, True}
    assert len(wanted) < 0.8 * len(inputs)
    dut = MarkMerger(spec=TINY, shape=SurvivorLayout(TINY))
    bench = Bench(dut, seed=seed)
    bench.source(dut.i, inputs, stall=put)
    log = bench.sink(dut.o, len(wanted), stall=get)
    bench.run()
    same(meant(log.values), wanted)


def meant(payloads: list[Payload]) -> list[Payload]:
    """Without the bound where no voxel begins, and without a splat where there is none."""

    def one(p: Payload) -> Payload:
        mark = p["mark"]
        known = p if mark["some"] else payload()
        return known | {"mark": mark | {"bound": mark["bound"] * mark["begin"]}}

    return [one(p) for p in payloads]


def test_a_mark_travels_with_the_next_splat() -> None:
    """At one payload a cycle; a held mark leaves with a splat, not with an end, and not twice."""
    inputs = [
        payload(begin=1, bound=3), payload(begin=1, bound=5), payload(some=1, number=1), payload(some=1, number=2),
        payload(begin=1, bound=7), payload(end=1), payload(some=1, begin=1, bound=2, number=3),
    ]  # fmt: skip
    wanted = [
        payload(some=1, begin=1, bound=5, number=1), payload(some=1, number=2), payload(end=1),
        payload(some=1, begin=1, bound=2, number=3),
    ]  # fmt: skip
    dut = MarkMerger(spec=TINY, shape=SurvivorLayout(TINY))
    bench = Bench(dut)
    source = bench.source(dut.i, inputs)
    log = bench.sink(dut.o, len(wanted))
    bench.run()
    same(meant(log.values), wanted)
    assert source.cycles[-1] - source.cycles[0] == len(inputs) - 1
