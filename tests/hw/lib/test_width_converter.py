from __future__ import annotations

from typing import Any

import pytest
from amaranth.hdl import signed

from hw.lib.width_converter import Narrower, Widener
from tests.hw.lib.bench import Bench
from tests.hw.lib.simulate import refuses

RATIOS = [2, 3, 4, 8]
STALLS = [(0, 0), (0.5, 0), (0, 0.5), (0.3, 0.3)]


def words(elements: list[int], lasts: list[bool], ratio: int) -> list[dict[str, Any]]:
    """What a widener makes of elements, of which the marked ones end a word."""
    result: list[dict[str, Any]] = []
    group: list[int] = []
    for element, last in zip(elements, lasts, strict=True):
        group.append(element)
        if last or len(group) == ratio:
            result.append({"data": group + [0] * (ratio - len(group)), "count": len(group)})
            group = []
    return result


@pytest.mark.parametrize("ratio", [1, *RATIOS])
@pytest.mark.parametrize(("put", "get"), STALLS)
def test_narrower(ratio: int, put: float, get: float, seed: int) -> None:
    dut = Narrower(shape=signed(7), ratio=ratio)
    bench = Bench(dut, seed=seed)
    data = [[bench.random.randrange(-64, 64) for _ in range(ratio)] for _ in range(60)]
    counts = [bench.random.randint(1, ratio) for _ in data]
    bench.source(dut.i, [{"data": d, "count": c} for d, c in zip(data, counts, strict=True)], stall=put)
    bench.sink(dut.o, [v for d, c in zip(data, counts, strict=True) for v in d[:c]], stall=get)
    bench.run()


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("full", [True, False])
def test_narrower_sends_one_element_a_cycle(ratio: int, full: bool) -> None:
    dut = Narrower(shape=8, ratio=ratio)
    bench = Bench(dut)
    counts = [ratio if full else 1 + k % ratio for k in range(12)]
    source = bench.source(dut.i, [{"data": list(range(ratio)), "count": c} for c in counts])
    sink = bench.sink(dut.o, [v for c in counts for v in range(c)])
    bench.run()
    assert source.cycles[0] == 0
    assert sink.cycles == list(range(1, 1 + sum(counts)))


@pytest.mark.parametrize("ratio", [1, 2])
def test_narrower_sends_nothing_for_an_empty_word(ratio: int) -> None:
    dut = Narrower(shape=8, ratio=ratio)
    bench = Bench(dut)
    data = list(range(1, ratio + 1))
    bench.source(dut.i, [{"data": data, "count": c} for c in (1, 0, 0, ratio)])
    bench.sink(dut.o, [1, *data])
    bench.run()


@pytest.mark.parametrize("ratio", [1, *RATIOS])
@pytest.mark.parametrize(("put", "get"), STALLS)
def test_widener(ratio: int, put: float, get: float, seed: int) -> None:
    dut = Widener(shape=signed(7), ratio=ratio)
    bench = Bench(dut, seed=seed)
    elements = [bench.random.randrange(-64, 64) for _ in range(200)]
    lasts = [bench.stall(0.2) for _ in elements[:-1]] + [True]
    bench.source(dut.i, [{"data": e, "last": t} for e, t in zip(elements, lasts, strict=True)], stall=put)
    bench.sink(dut.o, words(elements, lasts, ratio), stall=get)
    bench.run()


@pytest.mark.parametrize("ratio", [1, *RATIOS])
def test_widener_takes_one_element_a_cycle(ratio: int) -> None:
    dut = Widener(shape=8, ratio=ratio)
    bench = Bench(dut)
    elements, lasts = list(range(10 * ratio)), [k % 5 == 4 for k in range(10 * ratio)]
    expected = words(elements, lasts, ratio)
    source = bench.source(dut.i, [{"data": e, "last": t} for e, t in zip(elements, lasts, strict=True)])
    sink = bench.sink(dut.o, expected)
    bench.run()
    assert source.cycles == list(range(len(elements)))
    ends = [sum(word["count"] for word in expected[: k + 1]) for k in range(len(expected))]
    assert sink.cycles == ends  # the element number `end - 1` entered in cycle `end - 1`


def test_ratio() -> None:
    refuses("ratio must be at least 1, it is 0", lambda: Narrower(shape=8, ratio=0))
    refuses("ratio must be at least 1, it is 0", lambda: Widener(shape=8, ratio=0))
