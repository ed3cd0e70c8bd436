from __future__ import annotations

import pytest

from hw.lib.fork import StreamFork
from tests.hw.lib.bench import Bench
from tests.hw.lib.simulate import assert_independent, refuses


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("stalls", [(0, 0), (0.5, 0.1), (0.1, 0.6)])
def test_each_taker_gets_everything_once(count: int, stalls: tuple[float, float], seed: int) -> None:
    dut = StreamFork(shape=9, count=count)
    bench = Bench(dut, seed=seed)
    bench.source(dut.i, range(150), stall=stalls[0])
    for k in range(count):
        bench.sink(dut.o[k], range(150), stall=stalls[1] * (k + 1) / count)
    bench.run()


def test_latency_and_throughput() -> None:
    dut = StreamFork(shape=9, count=2)
    bench = Bench(dut)
    source = bench.source(dut.i, range(40))
    sinks = [bench.sink(o, range(40)) for o in dut.o]
    bench.run()
    assert source.cycles == sinks[0].cycles == sinks[1].cycles == list(range(40))


def test_a_taker_does_not_see_the_others(seed: int) -> None:
    dut = StreamFork(shape=9, count=3)
    valids = [o.valid for o in dut.o]
    assert_independent(dut, valids, [o.ready for o in dut.o], seed=seed)


def test_count() -> None:
    refuses("count must be at least 1, it is 0", lambda: StreamFork(shape=8, count=0))
