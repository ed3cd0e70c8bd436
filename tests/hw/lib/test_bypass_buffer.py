from __future__ import annotations

import pytest

from hw.lib.bypass_buffer import BypassBuffer
from tests.hw.lib.bench import Bench
from tests.hw.lib.simulate import assert_independent


@pytest.mark.parametrize(("put", "get"), [(0, 0), (0.6, 0), (0, 0.6), (0.4, 0.4)])
def test_passes_everything_in_order(put: float, get: float, seed: int) -> None:
    dut = BypassBuffer(shape=16)
    bench = Bench(dut, seed=seed)
    bench.source(dut.i, range(100), stall=put)
    bench.sink(dut.o, range(100), stall=get)
    bench.run()


def test_latency_and_throughput() -> None:
    dut = BypassBuffer(shape=16)
    bench = Bench(dut)
    source = bench.source(dut.i, range(50))
    sink = bench.sink(dut.o, range(50))
    bench.run()
    assert sink.cycles == source.cycles == list(range(50))


def test_ready_is_cut(seed: int) -> None:
    dut = BypassBuffer(shape=16)
    assert_independent(dut, [dut.i.ready], [dut.i.valid, dut.i.payload, dut.o.ready], seed=seed)
