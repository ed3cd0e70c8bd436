from __future__ import annotations

import pytest

from hw.lib.skid_buffer import SkidBuffer
from tests.hw.lib.bench import Bench
from tests.hw.lib.simulate import assert_independent


@pytest.mark.parametrize(("put", "get"), [(0, 0), (0.6, 0), (0, 0.6), (0.4, 0.4)])
def test_passes_everything_in_order(put: float, get: float, seed: int) -> None:
    dut = SkidBuffer(shape=16)
    bench = Bench(dut, seed=seed)
    bench.source(dut.i, range(300), stall=put)
    bench.sink(dut.o, range(300), stall=get)
    bench.run()


def test_latency_and_throughput() -> None:
    dut = SkidBuffer(shape=16)
    bench = Bench(dut)
    source = bench.source(dut.i, range(50))
    sink = bench.sink(dut.o, range(50))
    bench.run()
    assert sink.cycles == [cycle + 1 for cycle in source.cycles] == list(range(1, 51))


def test_capacity() -> None:
    dut = SkidBuffer(shape=16)
    bench = Bench(dut)
    source = bench.source(dut.i, range(2))
    bench.run()
    assert source.cycles == [0, 1]
    bench = Bench(dut := SkidBuffer(shape=16), deadline=50)
    bench.source(dut.i, range(3))
    with pytest.raises(AssertionError, match="2 payloads, expected 3"):
        bench.run()


def test_every_path_is_cut(seed: int) -> None:
    dut = SkidBuffer(shape=16)
    inputs = [dut.i.valid, dut.i.payload, dut.o.ready]
    assert_independent(dut, [dut.i.ready, dut.o.valid, dut.o.payload], inputs, seed=seed)
