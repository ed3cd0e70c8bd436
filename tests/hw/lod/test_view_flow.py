"""Job, views and results: what stands at the search's begin and end."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Any

import pytest
from amaranth.hdl import Value

from golden.lod.memory_map import JOB_BYTES, RESULT_BYTES, VIEW_BYTES
from hw.lod.config import default, tiny
from hw.lod.job_fetch import JobFetch
from hw.lod.result_writer import ResultWriter
from hw.lod.view_flow import ViewFlow
from tests.hw.lib.bench import Bench
from tests.hw.lib.memory_model import MemoryModel, word_at

JOB, VIEWS = 1 << 10, 1 << 13


@pytest.mark.parametrize("width", [128, 1024])
@pytest.mark.parametrize(("latency", "stall"), [(1, 0.0), (5, 0.5)])
def test_job_and_views_are_read(width: int, latency: int, stall: float, seed: int) -> None:
    """The job, then view after view from where the job says, each whole and in place when `busy` falls."""
    dut = JobFetch(config=replace(default(), memory_width=width))
    bench = Bench(dut, seed=seed)
    size = width // 8

    def contents(address: int) -> int:
        return VIEWS if address == JOB else word_at(address)  # a job begins with the views' address

    MemoryModel(bench, dut.memory, latency=latency, stall=stall, contents=contents)
    got: list[tuple[int, int]] = []

    async def run(ctx: Any) -> None:
        ctx.set(dut.address, JOB)
        for k in range(5):
            begin = dut.next if k else dut.start
            ctx.set(begin, 1)
            await ctx.tick()
            ctx.set(begin, 0)
            assert ctx.get(dut.busy)
            while ctx.get(dut.busy):
                await ctx.tick()
            for _ in range(bench.random.randrange(4)):
                await ctx.tick()
            got.append((ctx.get(Value.cast(dut.job)), ctx.get(Value.cast(dut.view))))

    def row(address: int, count: int) -> int:
        return sum(contents(address + k * size) << (k * width) for k in range(count // size))

    bench.process(run)
    bench.run(drain=700)
    assert [job for job, _ in got] == [row(JOB, JOB_BYTES)] * 5
    assert [view for _, view in got[1:]] == [row(VIEWS + k * VIEW_BYTES, VIEW_BYTES) for k in range(4)]


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


class Views:
    """A search and a result writer of random speed, and a log of what the flow does with them."""

    def __init__(self, bench: Bench, dut: ViewFlow, kinds: list[int], haste: float) -> None:
        self.bench, self.dut, self.kinds, self.haste = bench, dut, kinds, haste
        self.fetched = self.opened = self.closed = 0
        self.places: list[int] = []
        self.together = 0  # cycles with two open views
        self.over = False
        bench.process(self.run)

    async def run(self, ctx: Any) -> None:
        dut = self.dut
        ctx.set(dut.job, {"view_count": len(self.kinds), "result_address": 512, "result_stride": 64,
                          "result_buffers": 3})  # fmt: skip
        ctx.set(dut.start, 1)
        await ctx.tick()
        ctx.set(dut.start, 0)
        loading, begun, finished, idle = True, True, False, False
        under_way = [0, 0]  # cycles that visits of each turn still take
        while not self.over:
            ctx.set(dut.loading, loading)
            ctx.set(dut.temporal, self.fetched > 0 and self.kinds[self.fetched - 1])
            ctx.set(dut.begun, begun)
            ctx.set(dut.under_way, sum((left > 0) << turn for turn, left in enumerate(under_way)))
            ctx.set(dut.finished, finished)
            ctx.set(dut.idle, idle)
            _, _, fetches, opens, turn, closing, retiring, begins, finish, place, forget = await ctx.tick().sample(
                dut.next, dut.open, dut.turn, dut.closing, dut.retiring, dut.begin, dut.finish, dut.place, dut.forget
            )
            loading = fetches or (loading and not self.bench.stall(self.haste))
            idle = self.bench.stall(self.haste)
            begun = not opens and (begun or self.bench.stall(self.haste))
            if retiring and under_way[closing] and (begun or turn != closing):
                under_way[closing] -= 1
            if begins:
                self.places.append(place)
            if finish and finished:
                assert not under_way[self.closed % 2]
                self.closed += 1
            finished = finish and not finished and self.bench.stall(self.haste)
            self.fetched += fetches
            if opens:
                assert self.opened - self.closed <= self.kinds[self.opened]
                self.opened += 1
                under_way[(self.opened - 1) % 2] = self.bench.random.randrange(9)
            self.together += self.opened - self.closed == 2
            self.over = bool(forget)


@pytest.mark.parametrize("haste", [0.1, 0.5, 0.95])
def test_views_are_opened_and_closed_in_order(haste: float, seed: int) -> None:
    """At most two are open, the second one only if it is temporal; the places of results are taken in turn."""
    dut = ViewFlow()
    bench = Bench(dut, seed=seed)
    kinds = [0, 1, 1, 1, 0, 0, 1, 1, 1, 1]
    views = Views(bench, dut, kinds, haste)
    bench.run(drain=1500)
    assert views.over
    assert views.opened == views.closed == len(kinds)
    assert views.places == [512 + 64 * (k % 3) for k in range(len(kinds))]
    assert views.together
