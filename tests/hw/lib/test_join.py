from __future__ import annotations

import pytest
from amaranth.hdl import signed

from hw.lib.join import StreamJoin
from tests.hw.lib.bench import Bench
from tests.hw.lib.simulate import refuses

SHAPES = {"a": 8, "b": signed(9), "c": 3}


@pytest.mark.parametrize("stalls", [(0, 0, 0), (0.5, 0.2, 0), (0.1, 0.4, 0.5)])
def test_pairs_in_order(stalls: tuple[float, float, float], seed: int) -> None:
    dut = StreamJoin(shapes=SHAPES)
    bench = Bench(dut, seed=seed)
    values = [{"a": k, "b": -k, "c": k % 8} for k in range(200)]
    for name, stall in zip(SHAPES, (*stalls[:2], stalls[0] / 2), strict=True):
        bench.source(getattr(dut, f"i_{name}"), [v[name] for v in values], stall=stall)
    bench.sink(dut.o, values, stall=stalls[2])
    bench.run()


def test_latency_and_throughput() -> None:
    dut = StreamJoin(shapes={"a": 8, "b": 8})
    bench = Bench(dut)
    sources = [bench.source(i, range(40)) for i in (dut.i_a, dut.i_b)]
    sink = bench.sink(dut.o, [{"a": k, "b": k} for k in range(40)])
    bench.run()
    assert sink.cycles == sources[0].cycles == sources[1].cycles == list(range(40))


def test_needs_an_input() -> None:
    refuses("at least one input", lambda: StreamJoin(shapes={}))
