"""Result writer: full words, the rest, and the summary behind all."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Any

import pytest

from golden.lod.memory_map import RESULT_BYTES
from hw.lod.config import tiny
from hw.lod.result_writer import ResultWriter
from tests.hw.lib.bench import Bench


@pytest.mark.parametrize("width", [128, 512])
@pytest.mark.parametrize(("stall_in", "stall_out"), [(0.0, 0.0), (0.5, 0.1), (0.1, 0.8)])
def test_results_are_written(width: int, stall_in: float, stall_out: float, seed: int) -> None:
    """Full words, what there is of the last one, and the summary behind all in the first place; view after view."""
    config = replace(tiny(), memory_width=width, fetch_words=16)
    dut = ResultWriter(config=config)
    bench = Bench(dut, seed=seed)
    ratio = config.word_bytes // RESULT_BYTES
    counts = [0, 1, ratio, 3 * ratio + 1, 17]
    bits = bench.random.getrandbits
    views = [[{"subtree": bits(32), "cut": bits(32)} for _ in range(count)] for count in counts]
    summaries = [{name: bits(32) for name in ("subtrees", "nodes", "fetches", "cycles")} for _ in counts]
    writes: list[dict[str, int]] = []
    for k, records in enumerate(views):
        raw = [r["subtree"] | r["cut"] << 32 for r in records]
        words = [
            sum(value << (64 * lane) for lane, value in enumerate(raw[n : n + ratio]))
            for n in range(0, len(raw), ratio)
        ]
        last = sum(value << (32 * n) for n, value in enumerate(summaries[k].values()))
        places = [*range(1, len(words) + 1), 0]
        for place, word in zip(places, [*words, last], strict=True):
            writes.append({"address": (k + 1) * 4096 + place * config.word_bytes, "data": word, "last": 1})
    bench.sink(dut.write.request, writes, stall=stall_out)

    async def run(ctx: Any) -> None:
        for k, records in enumerate(views):
            ctx.set(dut.address, (k + 1) * 4096)
            ctx.set(dut.start, 1)
            await ctx.tick()
            ctx.set(dut.start, 0)
            waiting = deque(records)
            while waiting:
                valid = not bench.stall(stall_in)
                ctx.set(dut.i.valid, valid)
                ctx.set(dut.i.payload, waiting[0])
                taken = False
                while valid and not taken:
                    taken = (await ctx.tick().sample(dut.i.ready))[2]
                if valid:
                    waiting.popleft()
                else:
                    await ctx.tick()
            ctx.set(dut.i.valid, 0)
            ctx.set(dut.summary, summaries[k])
            ctx.set(dut.finish, 1)
            while not (await ctx.tick().sample(dut.finished))[2]:
                pass
            ctx.set(dut.finish, 0)

    bench.process(run)
    bench.run()
