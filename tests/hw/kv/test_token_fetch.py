"""The words of a job's tokens go to the hash unit and to the recent buffer, in order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from golden.kv.spec import TINY
from hw.kv.config import tiny
from hw.kv.layouts import record_layout
from hw.kv.token_fetch import TokenFetch
from hw.lib.fields import unpack_nested
from tests.hw.kv.workload import Workload, set_header
from tests.hw.lib.bench import Bench
from tests.hw.lib.byte_memory import ByteMemory

#: Reads ahead far enough for a word a cycle.
CONFIG = replace(tiny(), token_ahead=64)


def expected(work: Workload) -> list[Any]:
    return [unpack_nested(word, record_layout(TINY)) for token in work.records for word in token]


@pytest.mark.parametrize("stall", [0.0, 0.4])
@pytest.mark.parametrize("tokens", [1, 50])
def test_token_fetch(tokens: int, stall: float, seed: int) -> None:
    work = Workload.make(TINY, tokens, 1, seed=seed)
    dut = TokenFetch(config=CONFIG)
    bench = Bench(dut, seed=seed)
    ByteMemory(bench, dut.memory, work.image.data.tobytes(), latency=6, stall=stall)
    keys = bench.sink(dut.keys, expected(work), stall=stall)
    recent = bench.sink(dut.recent, expected(work), stall=2 * stall)
    idle: list[int] = []  # words that had left, in the cycles in which it was not busy

    async def watch(ctx: Any) -> None:
        while True:
            left = len(recent.values)
            _, _, busy = await ctx.tick().sample(dut.busy)
            idle.extend([left] * (not busy))

    bench.process(set_header(dut.header, work.header, dut.go))
    bench.process(watch)
    bench.run()
    words = tokens * TINY.token_words
    assert idle[-1] == words
    assert set(idle) <= {0, words}, "it is busy from the first word to the last"
    if not stall and tokens > 1:
        assert keys.cycles[-1] - keys.cycles[0] == words - 1, "one word a cycle"


def test_a_full_recent_buffer_stops_the_keys(seed: int) -> None:
    """While no token is placed, the hash unit gets no more words than the buffer holds."""
    work = Workload.make(TINY, 50, 1, seed=seed)
    dut = TokenFetch(config=CONFIG)
    bench = Bench(dut, seed=seed)
    ByteMemory(bench, dut.memory, work.image.data.tobytes(), latency=6)
    bench.sink(dut.keys, CONFIG.recent_words + 1)  # one more waits in the fork
    bench.process(set_header(dut.header, work.header, dut.go))
    bench.run(drain=150)
