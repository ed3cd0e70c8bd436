"""The order of a scan's passes, what they count, and which words they read on."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from golden.kv.scan_scores import slack, tokens_of_mass
from golden.kv.spec import SCAN_BUCKETS
from hw.kv.digit_feed import DigitFeed
from hw.kv.layouts import SCORE_BITS
from hw.kv.mass_search import MassSearch
from hw.kv.reach_limits import ReachLimits
from hw.kv.refiner import Refiner
from hw.kv.scan_control import Phase, ScanControl
from tests.hw.kv.scans import SMALL
from tests.hw.kv.workload import finish
from tests.hw.lib.bench import Bench, ticks

TOKENS, ALWAYS = 40, 4
ROW = {"budget": 20, "always": ALWAYS, "planes": 8, "shift": 11, "mass_code": 1024}
EXACT = [Phase.FIRST, Phase.BEST, Phase.MORE, Phase.MIDDLE, Phase.LOWEST, Phase.PICK]
CUT = [Phase.FIRST, Phase.MIDDLE, Phase.LOWEST, Phase.PICK]
TOP_P = [Phase.FIRST, Phase.RECOUNT, *CUT[1:]]


@pytest.mark.parametrize(
    ("row", "passes", "read", "ties", "kept"),
    [
        ({}, EXACT, [(0, 4), (4, 4), (4, 1)], 1, 20),
        ({"shift": 8}, [p for p in EXACT if p != Phase.LOWEST], [(0, 4), (4, 4), (4, 1)], 6, 20),
        ({"planes": 3}, CUT, [(0, 3)], 6, 20),
        ({"planes": 3, "budget": TOKENS, "mass_code": 900}, TOP_P, [(0, 3)], 16, 30),
        ({"budget": TOKENS}, [Phase.PICK], [], 0, TOKENS),
        ({"budget": 3}, [Phase.PICK], [], 0, ALWAYS),
    ],
)
def test_scan_control(
    row: dict[str, int], passes: list[Phase], read: list[tuple[int, int]], ties: int, kept: int
) -> None:  # fmt: skip
    """The passes of both heads and the planes that they read; a selection waits for the list before.

    From the pass for more on every walk finds 5 scores with a higher digit; top-p asks for 30 tokens.
    """
    dut = ScanControl(spec=SMALL)
    bench = Bench(dut)
    seen: list[Phase] = []
    planes: list[tuple[int, int]] = []
    selections: list[tuple[int, int]] = []

    async def last(ctx: Any, port: Any, cycles: int) -> None:
        ctx.set(port, 1)
        await ticks(ctx, cycles)
        ctx.set(port, 0)

    async def surroundings(ctx: Any) -> None:
        for port, value in ((dut.row_taken, 1), (dut.row_there, 1), (dut.picked, 1), (dut.mass_tokens, 30)):
            ctx.set(port, value)
        ports = (dut.walk, dut.first_words, dut.sweep, dut.search, dut.pick, dut.phase, dut.fresh, dut.reading,
                 dut.first, dut.count, dut.left, dut.kept)  # fmt: skip
        while True:
            _, _, *values = await ctx.tick().sample(*ports)
            walk, first_words, sweep, search, pick, phase, fresh, reading, first, count, left, all_kept = values
            assert not (fresh and sweep)
            if walk:
                ctx.set(dut.above, 0 if Phase(phase) in (Phase.FIRST, Phase.RECOUNT, Phase.BEST) else 5)
                await last(ctx, dut.walking, 7)
            elif search:
                await last(ctx, dut.searching, 9)
            elif pick:
                selections.append((left, all_kept))
            elif first_words or sweep:
                seen.append(Phase(phase))
                if fresh or reading:
                    planes.append((first, count))
                await last(ctx, dut.moving, 3)

    async def run(ctx: Any) -> None:
        for name, value in {**ROW, **row}.items():
            ctx.set(dut.row[name], value)
        ctx.set(dut.tokens, TOKENS)
        ctx.set(dut.written, 0)
        ctx.set(dut.go, 1)
        await ctx.tick()
        ctx.set(dut.go, 0)
        await ticks(ctx, 400)
        assert seen == passes[:-1]
        ctx.set(dut.written, 1)
        while ctx.get(dut.busy):
            await ctx.tick()
        assert seen == SMALL.heads * passes
        assert planes == SMALL.heads * read
        assert selections == SMALL.heads * [(ties, kept)]

    finish(bench, run)
    bench.process(surroundings)
    bench.run()


def test_reach_limits(seed: int) -> None:
    """For every number of planes what is found less its slack, aligned as scores are; none is negative."""
    g = torch.Generator().manual_seed(seed)
    dut = ReachLimits(magnitude_bits=16)
    bench = Bench(dut)

    async def look(ctx: Any) -> None:
        for shift in (0, 3, 11, 16):
            for found in (0, 5 << 16, 1 << 23, (1 << 24) - 1):
                queries = torch.randint(-127, 128, (1, 64), generator=g)
                ctx.set(dut.magnitude, int(queries.abs().sum()))
                ctx.set(dut.shift, shift)
                ctx.set(dut.found, found)
                await ticks(ctx, dut.latency)
                for k in range(4):
                    wanted = max(found - (slack(queries, 4 + k) << 16 - shift), 0)
                    assert ctx.get(dut.o.of[k]) == wanted, (shift, found, k)

    finish(bench, look)
    bench.run()


@pytest.mark.parametrize("stall", [0.0, 0.6])
def test_refiner(stall: float, seed: int) -> None:
    """A plane more of the words that hold a token of the limit that may be chosen, and of no others."""
    spec, size = SMALL, SMALL.plane_tokens
    dut = Refiner(spec=spec)
    bench = Bench(dut, seed=seed)
    rng = bench.random
    limits = [90, 80, 70, 60]
    shown: list[dict[str, Any]] = []
    expected: list[dict[str, int]] = []
    for word in range(spec.plane_words):
        planes = rng.randrange(4, 9)
        scores = [rng.randrange(20, 95) for _ in range(size)]
        scores[0] = limits[min(planes - 4, 3)] - (word & 1)
        there, always = rng.getrandbits(size) | 1, rng.getrandbits(size) & rng.getrandbits(size)
        enable = int(rng.random() < 0.9)
        shown.append({"word": word, "planes": planes, "there": there, "always": always, "scores": scores, "on": enable})
        reaches = any(
            there >> k & ~always >> k & 1 and planes < 8 and scores[k] >= limits[planes - 4] for k in range(size)
        )
        if reaches and enable:
            expected.append({"word": word, "first": planes, "end": 0})

    async def show(ctx: Any) -> None:
        for k, limit in enumerate(limits):
            ctx.set(dut.limits.of[k], limit)
        for entry in shown:
            ctx.set(dut.enable, entry["on"])
            for name in ("word", "planes", "there", "always"):
                ctx.set(dut.i[name], entry[name])
            for k, score in enumerate(entry["scores"]):
                ctx.set(dut.i.scores[k], score)
            ctx.set(dut.i.valid, 1)
            await ctx.tick()
        ctx.set(dut.i.valid, 0)
        await ticks(ctx, dut.latency + 1)
        while ctx.get(dut.busy):
            await ctx.tick()

    finish(bench, show)
    bench.sink(dut.o, expected, stall=stall)
    bench.run()


def test_digit_feed(seed: int) -> None:
    """Of scores that arrive the highest digits, behind the first pass only of all planes; of swept ones any digit."""
    spec, size = SMALL, SMALL.plane_tokens
    dut = DigitFeed(spec=spec)
    bench = Bench(dut, seed=seed)
    rng = bench.random

    async def show(ctx: Any) -> None:
        for _ in range(200):
            fresh, weighed, valid, planes = (
                rng.getrandbits(1),
                rng.getrandbits(1),
                rng.getrandbits(1),
                rng.choice((4, 8)),
            )
            there, always, best = (rng.getrandbits(size) for _ in range(3))
            digit = rng.randrange(3)
            scores = [[rng.getrandbits(SCORE_BITS) for _ in range(size)] for _ in range(2)]
            for port, value in (
                (dut.fresh, fresh), (dut.weighed, weighed), (dut.scored.valid, valid), (dut.scored.planes, planes),
                (dut.scored.there, there), (dut.scored.always, always), (dut.swept_valid, not valid),
                (dut.swept.best, best), (dut.digit, digit),
            ):  # fmt: skip
                ctx.set(port, value)
            for k in range(size):
                ctx.set(dut.scored.scores[k], scores[0][k])
                ctx.set(dut.swept.scores[k], scores[1][k])
            await ctx.tick()
            counted = there & (~always | -(fresh & weighed)) if fresh or planes == 8 else 0
            add = counted if valid else best
            assert ctx.get(dut.add) == add
            for k in range(size):
                if add >> k & 1:
                    wanted = scores[0][k] >> 16 if valid else scores[1][k] >> 8 * digit & 0xFF
                    assert ctx.get(dut.digits.lane[k]) == wanted

    finish(bench, show)
    bench.run()


@pytest.mark.parametrize(("mass_code", "decay"), [(512, 60000), (900, 30000)])
def test_mass_search(mass_code: int, decay: int, seed: int) -> None:
    """Two walks, the second of which wipes; twice."""
    g = torch.Generator().manual_seed(seed)
    counts = torch.randint(0, 30, (SCAN_BUCKETS,), generator=g) * torch.randint(0, 2, (SCAN_BUCKETS,), generator=g)
    dut = MassSearch(count_bits=14)
    bench = Bench(dut)
    walks: list[int] = []

    async def walk(ctx: Any) -> None:
        while True:
            _, _, begins, wipes = await ctx.tick().sample(dut.walk, dut.wipe)
            if not begins:
                continue
            walks.append(wipes)
            ctx.set(dut.walking, 1)
            for count in counts.flip(0).tolist():
                await ticks(ctx, 3)
                ctx.set(dut.counted.count, count)
                ctx.set(dut.counted.valid, 1)
                await ctx.tick()
                ctx.set(dut.counted.valid, 0)
            ctx.set(dut.walking, 0)

    async def run(ctx: Any) -> None:
        ctx.set(dut.mass_code, mass_code)
        ctx.set(dut.decay, decay)
        for _ in range(2):
            ctx.set(dut.go, 1)
            await ctx.tick()
            ctx.set(dut.go, 0)
            while ctx.get(dut.busy):
                await ctx.tick()
            assert ctx.get(dut.budget) == tokens_of_mass(counts, mass_code, decay)
        assert walks == [0, 1, 0, 1]

    bench.process(walk)
    finish(bench, run)
    bench.run()
