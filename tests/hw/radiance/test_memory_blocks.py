"""Job, pixels and results: what lies in memory reaches the right place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from golden.radiance.memory_map import RESULT_BYTES, pixel_bytes, result
from golden.rows import from_bytes
from hw.lib.fields import unpack_nested
from hw.radiance.config import default, tiny
from hw.radiance.job_fetch import JobFetch
from hw.radiance.layouts import pixel_layout
from hw.radiance.pixel_fetch import PixelFetch
from hw.radiance.result_writer import ResultWriter
from tests.hw.lib.bench import Bench
from tests.hw.lib.list_bench import check_list
from tests.hw.lib.memory_model import MemoryModel, WriteMemory, word_at

FIRST, SECOND = 1 << 10, 1 << 13  # where runs of pixels lie


@pytest.mark.parametrize("width", [128, 512])
def test_job_and_visits_are_read(width: int, seed: int) -> None:
    check_list(JobFetch(config=replace(tiny(), memory_width=width)), latency=5, stall=0.5, seed=seed)


@pytest.mark.parametrize("config", [tiny(), default()], ids=["tiny", "default"])
@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_pixels_are_read(config: Any, stall: float, seed: int) -> None:
    """Runs of any number of pixels, each whole and in order, and none of what lies behind them."""
    dut = PixelFetch(config=config)
    bench = Bench(dut, seed=seed)
    size, width = pixel_bytes(config.spec), 8 * pixel_bytes(config.spec)

    def contents(address: int) -> int:
        return sum(word_at(address + k * size) << k * width for k in range(config.pixels_per_word))

    MemoryModel(bench, dut.memory, latency=4, stall=stall, contents=contents)
    runs = [(FIRST, 1), (SECOND, 2), (FIRST, 33), (SECOND + 64, 7)]
    layout = pixel_layout(config.spec)
    expected = [unpack_nested(word_at(begin + k * size), layout) for begin, count in runs for k in range(count)]
    log = bench.sink(dut.o, expected, stall=stall)

    async def run(ctx: Any) -> None:
        due = 0
        for begin, count in runs:
            ctx.set(dut.start, 1)
            ctx.set(dut.address, begin)
            ctx.set(dut.count, count)
            await ctx.tick()
            ctx.set(dut.start, 0)
            ctx.set(dut.count, bench.random.getrandbits(8))
            due += count
            while len(log.values) < due:
                await ctx.tick()

    bench.process(run)
    bench.run()


@pytest.mark.parametrize("width", [128, 512])
@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_results_are_written(width: int, stall: float, seed: int) -> None:
    """Every pixel's colour and whether it hit, in place; the last word too if it is not full; then not busy."""
    config = replace(tiny(), memory_width=width)
    dut = ResultWriter(config=config)
    bench = Bench(dut, seed=seed)
    counts, per_word = [1, 8, 13], config.word_bytes // RESULT_BYTES
    rng = bench.random
    answers = [
        {"full": rng.randrange(2), "hit": rng.randrange(2), "set": 0, "tag": 0, "colour": rng.getrandbits(32)}
        for _ in range(sum(counts))
    ]
    bench.source(dut.i, answers, stall=stall)
    memory = WriteMemory(bench, dut.write, sum(-(-count // per_word) for count in counts), stall=stall)

    async def run(ctx: Any) -> None:
        for k, count in enumerate(counts):
            ctx.set(dut.start, 1)
            ctx.set(dut.address, k << 10)
            ctx.set(dut.count, count)
            await ctx.tick()
            ctx.set(dut.start, 0)
            assert ctx.get(dut.busy)
            while ctx.get(dut.busy):
                await ctx.tick()

    bench.process(run)
    bench.run()
    raw = np.zeros(len(counts) << 10, np.uint8)
    for address, word, _ in memory.words():
        raw[address:][: config.word_bytes] = np.frombuffer(word.to_bytes(config.word_bytes, "little"), np.uint8)
    place = 0
    for k, count in enumerate(counts):
        found = from_bytes(result(config.spec), raw[k << 10 :][: RESULT_BYTES * count].reshape(-1, RESULT_BYTES))
        for n in range(count):
            answer = answers[place + n]
            assert found["hit"][n] == answer["hit"]
            assert sum(int(found[f"colour_{c}"][n]) << 8 * c for c in range(4)) == answer["colour"]
        place += count
