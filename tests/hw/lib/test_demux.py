from __future__ import annotations

from typing import Any

import pytest

from hw.lib.demux import StreamDemux
from tests.hw.lib.bench import Bench
from tests.hw.lib.simulate import refuses


@pytest.mark.parametrize("count", [2, 3, 4, 5])
@pytest.mark.parametrize("stalls", [(0, 0), (0.4, 0.4)])
def test_routes_in_order_and_counts_the_rest(count: int, stalls: tuple[float, float], seed: int) -> None:
    dut = StreamDemux(shape=10, count=count)
    bench = Bench(dut, seed=seed)
    names = 1 << (count - 1).bit_length()  # every target that the field can hold
    values = [{"data": k, "target": bench.random.randrange(names)} for k in range(200)]
    bench.source(dut.i, values, stall=stalls[0])
    for k in range(count):
        bench.sink(dut.o[k], [v["data"] for v in values if v["target"] == k], stall=stalls[1])
    dropped: list[int] = []

    async def watch(ctx: Any) -> None:
        while True:
            _, _, now = await ctx.tick().sample(dut.dropped)
            dropped.append(now)

    bench.process(watch)
    bench.run()
    assert dropped[-1] == sum(v["target"] >= count for v in values)


def test_latency_and_throughput() -> None:
    dut = StreamDemux(shape=10, count=3)
    bench = Bench(dut)
    source = bench.source(dut.i, [{"data": k, "target": k % 4} for k in range(40)])
    sinks = [bench.sink(o, range(k, 40, 4)) for k, o in enumerate(dut.o)]
    bench.run()
    assert source.cycles == list(range(40))
    for k, sink in enumerate(sinks):
        assert sink.cycles == source.cycles[k::4]


def test_count() -> None:
    refuses("count must be at least 2, it is 1", lambda: StreamDemux(shape=8, count=1))
