"""From joined scores to the selected tokens: counts, digits, shares of the mass, sweeps, picks."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from golden.kv.scan_scores import tokens_of_mass
from golden.kv.spec import SCAN_BUCKETS
from hw.kv.digit_counts import DigitCounts
from hw.kv.digit_finder import DigitFinder
from hw.kv.layouts import SCORE_BITS
from hw.kv.mass_budget import MassBudget
from hw.kv.score_sweep import ScoreSweep
from hw.kv.token_picker import TokenPicker
from tests.hw.kv.scans import ODD, SMALL
from tests.hw.kv.workload import config_of, finish
from tests.hw.lib.bench import Bench, ticks


def test_digit_counts(seed: int) -> None:
    """The same digit again after every number of cycles; wiped counts are 0."""
    dut = DigitCounts(digit_bits=3, count_bits=8)
    bench = Bench(dut, seed=seed)
    rng = bench.random

    async def read_all(ctx: Any, wipe: int) -> list[int]:
        await ticks(ctx, 3)
        counts: list[int] = []
        ctx.set(dut.reading, 1)
        ctx.set(dut.wipe, wipe)
        for place in range(9):
            ctx.set(dut.place, place % 8)
            if place:
                counts.append(ctx.get(dut.o))
            ctx.set(dut.reading, place < 8)
            await ctx.tick()
        ctx.set(dut.reading, 0)
        await ticks(ctx, 2)
        return counts

    async def run(ctx: Any) -> None:
        await read_all(ctx, 1)
        for digits in (2, 8):
            wanted = [0] * 8
            for _ in range(120):
                digit, valid = rng.randrange(digits), rng.random() < 0.8
                ctx.set(dut.digit, digit)
                ctx.set(dut.valid, valid)
                wanted[digit] += valid
                await ctx.tick()
            ctx.set(dut.valid, 0)
            assert await read_all(ctx, 0) == wanted
            assert await read_all(ctx, 1) == wanted
        assert await read_all(ctx, 0) == [0] * 8

    finish(bench, run)
    bench.run()


@pytest.mark.parametrize("slow", [0, 1])
def test_digit_finder(slow: int, seed: int) -> None:
    """The digit of the k-th best, how many lie above it, and every count, for every k; then none are left."""
    lanes, bits = 3, 4
    dut = DigitFinder(lanes=lanes, count_bits=8, digit_bits=bits)
    bench = Bench(dut, seed=seed)
    rng = bench.random
    shown: list[int] = []

    async def walk(ctx: Any, needed: int, wipe: int) -> None:
        shown.clear()
        ctx.set(dut.needed, needed)
        ctx.set(dut.wipe, wipe)
        ctx.set(dut.slow, slow)
        ctx.set(dut.walk, 1)
        await ctx.tick()
        ctx.set(dut.walk, 0)
        while ctx.get(dut.busy):
            await ctx.tick()

    async def run(ctx: Any) -> None:
        await walk(ctx, 0, 1)
        digits: list[int] = []
        for _ in range(9):
            add = rng.getrandbits(lanes)
            ctx.set(dut.add, add)
            for k in range(lanes):
                digit = rng.choice([3, 3, 7, 12, 13, rng.randrange(16)])
                ctx.set(dut.digits.lane[k], digit)
                if add >> k & 1:
                    digits.append(digit)
            await ctx.tick()
        ctx.set(dut.add, 0)
        await ticks(ctx, 4)
        best = sorted(digits, reverse=True)
        for needed in (1, 2, len(best) // 2, len(best), len(best) + 3):
            await walk(ctx, needed, int(needed > len(best)))
            digit = best[needed - 1] if needed <= len(best) else 0
            assert ctx.get(dut.digit) == digit, f"the {needed}-th"
            assert ctx.get(dut.above) == sum(d > digit for d in digits), f"the {needed}-th"
            assert shown == [digits.count(d) for d in reversed(range(1 << bits))]
        await walk(ctx, 1, 0)
        assert shown == [0] * (1 << bits)

    async def watch(ctx: Any) -> None:
        while True:
            _, _, valid, count = await ctx.tick().sample(dut.counted.valid, dut.counted.count)
            if valid:
                shown.append(count)

    bench.process(watch)
    finish(bench, run)
    bench.run()


@pytest.mark.parametrize(("mass_code", "decay"), [(512, 60000), (1023, 65535), (900, 30000), (1, 0)])
def test_mass_budget(mass_code: int, decay: int, seed: int) -> None:
    g = torch.Generator().manual_seed(seed)
    counts = torch.randint(0, 30, (SCAN_BUCKETS,), generator=g) * torch.randint(0, 2, (SCAN_BUCKETS,), generator=g)
    counts[200:] = 0
    dut = MassBudget(count_bits=14)
    bench = Bench(dut)

    async def walk(ctx: Any, start: Any) -> None:
        ctx.set(start, 1)
        await ctx.tick()
        ctx.set(start, 0)
        for count in counts.flip(0).tolist():
            await ticks(ctx, 3)
            ctx.set(dut.counted.count, count)
            ctx.set(dut.counted.valid, 1)
            await ctx.tick()
            ctx.set(dut.counted.valid, 0)
        await ticks(ctx, 4)

    async def run(ctx: Any) -> None:
        ctx.set(dut.mass_code, mass_code)
        ctx.set(dut.decay, decay)
        await walk(ctx, dut.total)
        ctx.set(dut.multiply, 1)
        await ctx.tick()
        ctx.set(dut.multiply, 0)
        while ctx.get(dut.multiplying):
            await ctx.tick()
        await walk(ctx, dut.find)
        assert ctx.get(dut.budget) == tokens_of_mass(counts, mass_code, decay)

    finish(bench, run)
    bench.run()


@pytest.mark.parametrize("stall", [0.0, 0.5])
@pytest.mark.parametrize("spec", [SMALL, ODD])
def test_score_sweep(spec: Any, stall: float, seed: int) -> None:
    """The words that hold a token of the limits, of so many planes, or one kept always, and which tokens these are."""
    config = config_of(spec)
    size, tokens, sink, window = spec.plane_tokens, 53, 3, 49
    words = -(-tokens // size)
    dut = ScoreSweep(config=config)
    bench = Bench(dut, seed=seed)
    rng = bench.random
    scores = [[rng.randrange(20) for _ in range(size)] for _ in range(words)]
    planes = [rng.choice([4, 8]) for _ in range(words)]
    expected: list[dict[str, Any]] = []
    sweeps = [(12, 1 << SCORE_BITS, 4, 0), (5, 8, 8, 0), (19, 1 << SCORE_BITS, 8, 1), (20, 20, 8, 0)]
    for low, high, known, keeping in sweeps:
        for w in range(words):
            there = [(k, w * size + k) for k in range(size) if w * size + k < tokens]
            always = {k: t < sink or t >= window for k, t in there}
            best = sum(1 << k for k, _ in there if not always[k] and low <= scores[w][k] < high and planes[w] == known)
            kept = sum(1 << k for k, _ in there if keeping and always[k])
            if best or kept:
                expected.append({"word": w, "best": best, "always": kept, "scores": scores[w]})

    async def run(ctx: Any) -> None:
        for port, value in ((dut.tokens, tokens), (dut.sink_tokens, sink), (dut.window_start, window)):
            ctx.set(port, value)
        for w in range(words):
            ctx.set(dut.write.valid, 1)
            ctx.set(dut.write.word, w)
            ctx.set(dut.write.planes, planes[w])
            for k, score in enumerate(scores[w]):
                ctx.set(dut.write.scores[k], score)
            await ctx.tick()
        ctx.set(dut.write.valid, 0)
        for low, high, known, keeping in sweeps:
            for port, value in ((dut.low, low), (dut.high, high), (dut.planes, known), (dut.keeping, keeping)):
                ctx.set(port, value)
            ctx.set(dut.go, 1)
            await ctx.tick()
            ctx.set(dut.go, 0)
            while ctx.get(dut.busy):
                await ctx.tick()

    finish(bench, run)
    bench.sink(dut.o, expected, stall=stall)
    bench.run()


@pytest.mark.parametrize("stall", [0.0, 0.4])
@pytest.mark.parametrize("ties", [0, 1, 5])
def test_token_picker(ties: int, stall: float, seed: int) -> None:
    """All above the threshold, so many that equal it from the first on, all kept always; each once, in order."""
    spec, size = SMALL, SMALL.plane_tokens
    dut = TokenPicker(spec=spec)
    bench = Bench(dut, seed=seed)
    rng = bench.random
    words: list[dict[str, Any]] = []
    wanted: list[dict[str, int]] = []
    left = ties
    for w in range(spec.plane_words):
        scores = [rng.choice([50, 50, 60, 70]) for _ in range(size)]
        best, always = rng.getrandbits(size), rng.getrandbits(size) & rng.getrandbits(size)
        best &= ~always
        if best | always:
            words.append({"word": w, "best": best, "always": always, "scores": scores})
        for k in range(size):
            if not (best | always) >> k & 1:
                continue
            level = best >> k & 1 and scores[k] == 50
            if not level or left:
                wanted.append({"token": w * size + k, "score": scores[k]})
            left -= bool(level and left)

    async def begin(ctx: Any) -> None:
        ctx.set(dut.threshold, 50)
        ctx.set(dut.ties, ties)
        ctx.set(dut.begin, 1)
        await ctx.tick()
        ctx.set(dut.begin, 0)

    bench.process(begin)
    bench.source(dut.i, words, stall=stall)
    bench.sink(dut.o, wanted, stall=stall)
    bench.run()
