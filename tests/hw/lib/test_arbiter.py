from __future__ import annotations

from itertools import product

import pytest
from amaranth.hdl import Module

from hw.lib.arbiter import RoundRobinArbiter, round_robin
from tests.hw.lib.bench import Bench
from tests.hw.lib.simulate import evaluate, refuses


def grants(count: int) -> dict[tuple[int, int], int]:
    """(requests, last) to grant, for every case."""
    cases = list(product(range(1 << count), [0, *(1 << k for k in range(count))]))
    m = Module()
    results = evaluate([count, count], lambda requests, last: [round_robin(m, requests, last)], cases, m)
    return {case: grant for case, (grant,) in zip(cases, results, strict=True)}


@pytest.mark.parametrize("count", range(2, 7))
def test_round_robin_is_the_next_request_above_the_last(count: int) -> None:
    for (requests, last), grant in grants(count).items():
        first = last.bit_length()
        order = [(first + k) % count for k in range(count)]
        assert grant == next((1 << k for k in order if requests >> k & 1), 0), f"{requests:b} after {last:b}"


@pytest.mark.parametrize("count", range(2, 7))
def test_no_choice_of_requests_starves_anyone(count: int) -> None:
    table = grants(count)

    def longest_wait(waiter: int, last: int, waited: int) -> int:
        assert waited < count, f"{waiter:b} waits for {waited} other grants"
        others = {table[requests, last] for requests in range(1 << count) if requests & waiter} - {waiter}
        return max((longest_wait(waiter, grant, waited + 1) for grant in others), default=waited)

    for waiter, last in product((1 << k for k in range(count)), repeat=2):
        assert longest_wait(waiter, last, 0) <= count - 1


@pytest.mark.parametrize("favoured", [1, 2])
def test_favoured_inputs_go_first(favoured: int, seed: int) -> None:
    """While one of them has a payload no other moves; among themselves, and behind them, inputs take turns."""
    dut = RoundRobinArbiter(shape=8, count=4, favoured=favoured)
    bench = Bench(dut, seed=seed)
    for i in dut.i:
        bench.source(i, range(20))
    sink = bench.sink(dut.o, 80, stall=0.3)
    bench.run()
    sources = [v["source"] for v in sink.values]
    assert sources[: 20 * favoured] == [*range(favoured)] * 20
    assert sources[20 * favoured :] == [*range(favoured, 4)] * 20


@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize("stalls", [(0, 0), (0.7, 0), (0.3, 0.5)])
def test_merges_without_loss(count: int, stalls: tuple[float, float], seed: int) -> None:
    dut = RoundRobinArbiter(shape=8, count=count)
    bench = Bench(dut, seed=seed)
    for i in dut.i:
        bench.source(i, range(80), stall=stalls[0])
    sink = bench.sink(dut.o, 80 * count, stall=stalls[1])
    bench.run()
    for k in range(count):
        assert [v["data"] for v in sink.values if v["source"] == k] == list(range(80))


@pytest.mark.parametrize("stall", [0, 0.5])
def test_takes_turns(stall: float, seed: int) -> None:
    dut = RoundRobinArbiter(shape=8, count=3)
    bench = Bench(dut, seed=seed)
    for i in dut.i:
        bench.source(i, range(30))
    sink = bench.sink(dut.o, 90, stall=stall)
    bench.run()
    assert [v["source"] for v in sink.values] == [0, 1, 2] * 30


def test_latency_and_throughput() -> None:
    dut = RoundRobinArbiter(shape=8, count=2)
    bench = Bench(dut)
    source = bench.source(dut.i[1], range(40))
    sink = bench.sink(dut.o, [{"data": k, "source": 1} for k in range(40)])
    bench.run()
    assert sink.cycles == [cycle + 1 for cycle in source.cycles] == list(range(1, 41))


def test_count() -> None:
    refuses("count must be at least 2, it is 1", lambda: RoundRobinArbiter(shape=8, count=1))
    refuses("favoured must lie in 0..1, it is 2", lambda: RoundRobinArbiter(shape=8, count=2, favoured=2))
