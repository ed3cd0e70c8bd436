"""Context pool: no context has two holders, and all come round."""

from __future__ import annotations

from typing import Any

from hw.lod.context_pool import ContextPool
from tests.hw.lib.bench import Bench


def test_contexts_go_to_one_holder_at_a_time(seed: int) -> None:
    dut = ContextPool(count=4)
    bench = Bench(dut, seed=seed)
    log = bench.sink(dut.o, 60, stall=0.3)
    out: list[int] = []

    async def give_back(ctx: Any) -> None:
        seen, left = 0, 56  # with the first four contexts, 60 are handed out
        while True:
            ctx.set(dut.i.valid, 0)
            for value in log.values[seen:]:
                assert value not in out
                out.append(value)
            seen = len(log.values)
            if out and left and not bench.stall(0.4):
                left -= 1
                ctx.set(dut.i.valid, 1)
                ctx.set(dut.i.payload, out.pop(bench.random.randrange(len(out))))
            await ctx.tick()

    bench.process(give_back)
    bench.run()
    assert set(log.values) == {0, 1, 2, 3}
