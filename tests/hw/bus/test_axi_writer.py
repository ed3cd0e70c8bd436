from __future__ import annotations

from typing import Any

import pytest

from hw.bus.axi import PAGE_BYTES, Response
from hw.bus.axi_writer import AxiWriter
from hw.bus.config import BusConfig
from tests.hw.bus.axi_slave import AxiSlave
from tests.hw.lib.bench import Bench, ticks

WIDTH = 64


def runs(bench: Bench, count: int) -> list[dict[str, int]]:
    """Words of runs of any length, some of which begin where the one before ended, or end a page."""
    found: list[dict[str, int]] = []
    place = 0
    for _ in range(count):
        place = bench.random.choice([place, bench.random.randrange(1, 9) * PAGE_BYTES - 8 * bench.random.randrange(40)])
        length = bench.random.choice([1, 1, 3, 20, 70])
        for k in range(length):
            data = bench.random.getrandbits(WIDTH)
            found.append({"address": place, "data": data, "last": int(k == length - 1)})
            place += 8
    return found


def memory_after(words: list[dict[str, int]], width: int) -> dict[int, int]:
    """What `AxiSlave` must hold."""
    step = width // 8
    return {
        word["address"] + step * j: word["data"] >> width * j & ((1 << width) - 1)
        for word in words
        for j in range(WIDTH // width)
    }


@pytest.mark.parametrize(
    ("width", "beats", "latency", "slave", "put"),
    [(64, 256, 0, 0, 0), (32, 8, 0, 0, 0), (64, 8, 7, 0.3, 0.2), (32, 256, 0, 0.6, 0), (32, 256, 20, 0, 0.5)],
)
def test_every_word_is_written(width: int, beats: int, latency: int, slave: float, put: float, seed: int) -> None:
    dut = AxiWriter(width=WIDTH, bus=BusConfig(width=width, beats=beats, writes=4))
    bench = Bench(dut, seed=seed)
    model = AxiSlave(bench, dut, width=width, latency=latency, stall=slave)
    words = runs(bench, 9)
    bench.source(dut.memory.request, words, stall=put)
    idle: list[int] = []

    async def watch(ctx: Any) -> None:
        while True:
            _, _, now = await ctx.tick().sample(dut.idle)
            idle.append(now)

    bench.process(watch)
    bench.run(drain=900)
    assert model.memory == memory_after(words, width)
    assert sum(n for _, n in model.writes) == len(words) * WIDTH // width  # none twice
    assert model.answered == len(model.writes)
    assert model.most_under_way <= 4
    assert max(n for _, n in model.writes) <= beats
    assert idle[-1] == 1


def test_a_run_is_one_burst_and_bursts_follow_without_a_gap() -> None:
    dut = AxiWriter(width=WIDTH, bus=BusConfig())
    bench = Bench(dut)
    model = AxiSlave(bench, dut, width=WIDTH, latency=10)
    words = [{"address": 8 * k, "data": k, "last": int(k % 64 == 63)} for k in range(600)]
    source = bench.source(dut.memory.request, words)
    bench.run(drain=300)
    assert model.writes == [(0, 256), (2048, 256), (4096, 88)]
    assert source.cycles == list(range(600))


def test_single_words_cost_a_cycle_each() -> None:
    dut = AxiWriter(width=WIDTH, bus=BusConfig())
    bench = Bench(dut)
    model = AxiSlave(bench, dut, width=WIDTH)
    words = [{"address": 64 * k, "data": k, "last": 1} for k in range(100)]
    source = bench.source(dut.memory.request, words)
    bench.run(drain=50)
    assert len(model.writes) == 100
    assert source.cycles == list(range(100))


def test_idle_is_when_all_is_written() -> None:
    """Not while a burst waits for its next word, nor before its response."""
    dut = AxiWriter(width=WIDTH, bus=BusConfig())
    bench = Bench(dut)
    model = AxiSlave(bench, dut, width=WIDTH, latency=5)
    source = bench.source(dut.memory.request, [{"address": 8 * k, "data": k, "last": 0} for k in range(3)])
    seen: list[tuple[int, int, int]] = []

    async def watch(ctx: Any) -> None:
        while True:
            _, _, idle, cycle = await ctx.tick().sample(dut.idle, bench.cycle)
            seen.append((cycle, idle, model.answered))

    bench.process(watch)
    bench.run(drain=60)
    after = [(idle, answered) for cycle, idle, answered in seen if cycle > source.cycles[-1]]
    assert all(not idle for idle, answered in after if not answered)
    assert after[-1] == (1, 1)


@pytest.mark.parametrize("response", [Response.SLVERR, Response.DECERR])
def test_an_error_is_kept(response: Response) -> None:
    """The first one, with its burst's address."""
    dut = AxiWriter(width=WIDTH, bus=BusConfig())
    bench = Bench(dut)
    AxiSlave(bench, dut, width=WIDTH, fails={128: response, 256: Response.SLVERR})
    bench.source(dut.memory.request, [{"address": 128 * k, "data": k, "last": 1} for k in range(4)])
    ends: list[tuple[int, int, int, int]] = []

    async def watch(ctx: Any) -> None:
        await ticks(ctx, 40)
        ends.append((ctx.get(dut.failed), ctx.get(dut.response), ctx.get(dut.address), ctx.get(dut.idle)))

    bench.process(watch)
    bench.run(drain=50)
    assert ends == [(1, response, 128, 1)]


def test_stop_takes_nothing_and_drains() -> None:
    dut = AxiWriter(width=WIDTH, bus=BusConfig())
    bench = Bench(dut)
    model = AxiSlave(bench, dut, width=WIDTH)
    log = bench.source(dut.memory.request, [{"address": 8 * k, "data": k, "last": 0} for k in range(40)])
    log.count, log.expected = 10, None
    idle: list[int] = []

    async def stop(ctx: Any) -> None:
        await ticks(ctx, 10)
        ctx.set(dut.stop, 1)
        await ticks(ctx, 60)
        idle.append(ctx.get(dut.idle))

    bench.process(stop)
    bench.run(drain=80)
    assert idle == [1]
    assert model.memory == {8 * k: k for k in range(10)}
