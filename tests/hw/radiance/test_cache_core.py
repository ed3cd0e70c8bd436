"""Cache core: answers of the loaded cache, fills in order, in any interleaving the model's words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from golden.radiance.cache import empty_cache, frame
from golden.radiance.spec import DEFAULT, PAPER, TINY, Spec
from hw.lib.stream_pipeline import StreamPipeline
from hw.radiance.cache_core import CacheCore
from hw.radiance.config import tiny
from hw.radiance.fill_unit import FillUnit
from hw.radiance.look_up import LookUp
from tests.hw.lib.bench import Bench
from tests.hw.radiance.caches import dumped, keys, load, number, random_pixels, rows, send

PIXELS = 120
SPECS = {"tiny": TINY, "paper": replace(PAPER, sets=16), "two": replace(TINY, ways=2, sets=4),
         "eight": replace(DEFAULT, ways=8, sets=4)}  # fmt: skip


class Core:
    """A core with a loaded cache, pixels that ask and fill, and what the model makes of them."""

    def __init__(self, spec: Spec, seed: int, kinds: int, *, empty: bool = False) -> None:
        self.spec = spec
        self.records, self.drawn = random_pixels(spec, PIXELS, kinds, seed)
        before, colours = random_pixels(spec, PIXELS, kinds, seed)  # of the same ids
        self.before = empty_cache(spec)
        if not empty:
            _, self.before = frame(spec, self.before, before, 255 - colours)
        self.found, self.after = frame(spec, self.before, self.records, self.drawn)
        key = keys(spec, self.records)
        for k, each in enumerate(key[1:], 1):
            if not each["full"]:  # its key is that of a pixel that may hit
                each |= {"set": key[k - 1]["set"], "tag": key[k - 1]["tag"]}
        colour = [number(each, 8) for each in self.drawn[0]]
        got = [number(each, 8) for each in self.found.colour[0]]
        hit = self.found.hit[0].astype(int).tolist()
        self.asks = [each | {"colour": c} for each, c in zip(key, colour, strict=True)]
        self.answers = [each | {"hit": h, "colour": c} for each, h, c in zip(key, hit, got, strict=True)]
        self.fills = [
            {"set": each["set"], "tag": each["tag"], "colour": c}
            for each, c in zip(key, got, strict=True)
            if each["full"]
        ]


@pytest.mark.parametrize(("name", "put", "get"), [("tiny", 0.0, 0.0), *((name, 0.4, 0.5) for name in SPECS)])
def test_answers_and_fills(name: str, put: float, get: float, seed: int) -> None:
    """Pixels ask and fill at once, each at its own pace: answers are of the loaded cache, all fills are in after."""
    core = Core(SPECS[name], seed, kinds=40)
    dut = CacheCore(config=replace(tiny(), spec=core.spec, memory_width=512))
    bench = Bench(dut, seed=seed)
    answers = bench.sink(dut.answers, core.answers, stall=get)
    found: list[dict[str, Any]] = []
    loaded = filled = False

    async def fill(ctx: Any) -> None:
        nonlocal loaded, filled
        await load(ctx, dut.load, rows(core.spec, core.before))
        loaded = True
        await send(ctx, bench, dut.fills, core.fills, put)
        filled = True

    async def ask(ctx: Any) -> None:
        while not loaded:
            await ctx.tick()
        await send(ctx, bench, dut.asks, core.asks, put)

    async def finish(ctx: Any) -> None:
        while not (filled and len(answers.values) == PIXELS and ctx.get(dut.idle)):
            await ctx.tick()
        found.extend(await dumped(ctx, dut, core.spec))

    for process in (fill, ask, finish):
        bench.process(process)
    bench.run(drain=200)
    assert core.found.hit.any()
    assert not core.found.hit.all()
    assert found == rows(core.spec, core.after)


@pytest.mark.parametrize("name", ["paper", "two"])
def test_look_ups(name: str, seed: int) -> None:
    """One a cycle; a pixel without a full record never hits."""
    core = Core(SPECS[name], seed, kinds=40)
    look_up = LookUp(spec=core.spec)
    dut = StreamPipeline(look_up)
    bench = Bench(dut, seed=seed)
    bench.sink(dut.o, core.answers)
    took: list[int] = []

    async def run(ctx: Any) -> None:
        await load(ctx, look_up.load, rows(core.spec, core.before))
        took.append(await send(ctx, bench, dut.i, core.asks, 0.0))

    bench.process(run)
    bench.run()
    assert took == [PIXELS]


@pytest.mark.parametrize(("name", "stall", "empty"), [("tiny", 0.5, False), *((name, 0.0, True) for name in SPECS)])
def test_fills(name: str, stall: float, empty: bool, seed: int) -> None:
    """The model's cache after all pixels; each is merged, fills, or touches, and waits only for its own set."""
    core = Core(SPECS[name], seed, kinds=12, empty=empty)
    dut = FillUnit(spec=core.spec)
    bench = Bench(dut, seed=seed)
    counts = dict.fromkeys(("merged", "waits", "filled", "replaced"), 0)
    found: list[dict[str, Any]] = []

    async def run(ctx: Any) -> None:
        await load(ctx, dut.load, rows(core.spec, core.before))
        await send(ctx, bench, dut.i, core.fills, stall)
        while not ctx.get(dut.idle):
            await ctx.tick()
        found.extend(await dumped(ctx, dut, core.spec))

    async def watch(ctx: Any) -> None:
        while True:
            _, _, *events = await ctx.tick().sample(*(getattr(dut, name) for name in counts))
            for event, value in zip(counts, events, strict=True):
                counts[event] += value

    bench.process(run)
    bench.process(watch)
    bench.run(drain=400)
    assert found == rows(core.spec, core.after)
    assert counts["merged"]
    assert counts["filled"] >= counts["replaced"]


def test_one_fill_a_cycle(seed: int) -> None:
    """Pixels of different sets, and runs of one tag, never wait."""
    spec = TINY
    dut = FillUnit(spec=spec)
    bench = Bench(dut, seed=seed)
    fills = [{"set": k // 3 % spec.sets, "tag": k // 3, "colour": k} for k in range(90)]
    source = bench.source(dut.i, fills)
    bench.run()
    assert source.cycles[-1] - source.cycles[0] == len(fills) - 1
