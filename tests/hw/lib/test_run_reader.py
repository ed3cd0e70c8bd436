from __future__ import annotations

import pytest

from hw.lib.run_reader import RunReader
from tests.hw.lib.bench import Bench
from tests.hw.lib.memory_model import MemoryModel, word_at
from tests.hw.lib.simulate import refuses


@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_run_reader(stall: float, seed: int) -> None:
    dut = RunReader(width=32, depth=16, burst=5)
    bench = Bench(dut, seed=seed)
    runs = [{"address": 4 * bench.random.getrandbits(20), "length": bench.random.randint(1, 23)} for _ in range(30)]
    model = MemoryModel(bench, dut.memory, latency=6, stall=stall)
    bench.source(dut.i, runs, stall=stall)
    bench.sink(dut.o, [word_at(r["address"] + 4 * k) for r in runs for k in range(r["length"])], stall=stall)
    bench.run()
    assert all(length <= 5 for _, length in model.bursts)
    assert len(model.bursts) == sum(-(-r["length"] // 5) for r in runs)
    refuses("burst must lie in 1..min(depth, 64) = 16, it is 17", lambda: RunReader(width=32, depth=16, burst=17))
