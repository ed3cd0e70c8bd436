"""Pixel lanes, all of a sub-tile: alpha, blend, state and bytes of the model, at the smallest distance allowed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from golden.splat.pixel_lane import Pixels, alpha, blend, pixel_bytes
from golden.splat.spec import DEFAULT, TINY, Spec
from hw.splat.exponent import interpolation
from hw.splat.lane_array import LaneArray
from hw.splat.pixel_lane import HAZARD
from hw.splat.raster_setup import cross_factors
from tests.hw.lib.bench import Bench
from tests.hw.splat.datapath import Payload

DRAWN, FLUSHED = 10, 11  # cycles after the operation, with a constant table


class Lanes:
    """The model's pixels of a few sub-tiles, and random operations on them."""

    def __init__(self, spec: Spec, bench: Bench) -> None:
        self.spec, self.rng = spec, bench.random
        self.factors = cross_factors(spec)
        count = spec.columns**2
        self.pixels = Pixels(
            transmittance=torch.zeros(count, spec.lanes, dtype=torch.int64),
            done=torch.zeros(count, spec.lanes, dtype=torch.bool),
            color=torch.zeros(count, spec.lanes, 3, dtype=torch.int64),
        )
        self.clean: set[int] = set()  # flushed since reset

    def operation(self, blocked: list[int]) -> tuple[Payload, Payload | None]:
        """Inputs of a cycle, and what comes of them; places in `blocked` had an operation too lately."""
        rng, spec = self.rng, self.spec
        # Few places, so that most operations come as early as they may; now and then any.
        places = range(3) if rng.random() < 0.9 else range(spec.columns**2)
        place = rng.choice(places)
        free = place not in blocked and rng.random() < 0.95
        flush = free and (place not in self.clean or rng.random() < 0.15)
        draw = free and not flush
        inputs = {
            "operation": {"draw": int(draw), "flush": int(flush), "place": place},
            "terms": self.terms(),
            "color": [
                rng.choice([0, 1, rng.randrange(1 << spec.color_format.width), spec.color_format.high])
                for _ in range(3)
            ],
        }
        if flush:
            known = place in self.clean
            self.clean.add(place)
            pixels = self.flush(place)
            # A sub-tile that was never flushed holds anything.
            return inputs, {"flushed": place, "pixels": pixels if known else None}
        return inputs, {"drawn": place, **self.draw(place, inputs)} if draw else None

    def terms(self) -> Payload:
        """Powers around what is visible: opaque, faint, just too faint, below zero, far away."""
        rng, spec = self.rng, self.spec
        one = 1 << spec.power_fraction
        start = rng.choice(
            [-4 * one // 3, -one, 0, 3, rng.randrange(one), rng.randrange(spec.max_power), spec.max_power - 2, 1 << 14]
        )
        size = rng.choice([1, 4, 40])
        bend = {"bend": rng.randrange(-size, 3 * size)} if spec.alpha_check == "quad_centre" else {}
        return {
            **bend,
            "row": [start + rng.randrange(-size, size + 1) for _ in range(spec.subtile)],
            "column": [rng.randrange(-size, size + 1) for _ in range(spec.subtile)],
            "cross": [rng.randrange(-size, size + 1) for _ in self.factors],
            "far": int(rng.random() < 0.05),
        }

    def draw(self, place: int, inputs: Payload) -> Payload:
        terms, n = inputs["terms"], self.spec.subtile
        power = [
            terms["row"][y] + terms["column"][x] + terms["cross"][self.factors.index(x * y)]
            for y in range(n)
            for x in range(n)
        ]
        bend = torch.tensor([terms.get("bend", 0)])
        alphas = alpha(torch.tensor([power]), bend, self.spec) * (1 - terms["far"])
        before = self.pixels.transmittance[place].clone()
        blend(self.pixels, torch.tensor([place]), alphas[None], torch.tensor([[inputs["color"]]]), self.spec)
        changed = int((self.pixels.transmittance[place] != before).sum())
        return {"done": int(self.pixels.done[place].all()), "changed": changed}

    def flush(self, place: int) -> int:
        """The bytes of the sub-tile, which is transparent afterwards."""
        values = pixel_bytes(self.pixels, self.spec)[place].flatten().tolist()
        self.pixels.transmittance[place] = self.spec.full_transmittance
        self.pixels.done[place] = False
        self.pixels.color[place] = 0
        return int.from_bytes(bytes(values), "little")


SMALL = replace(DEFAULT, subtile=2, group_size=16)


@pytest.mark.parametrize(("spec", "cycles"), [(TINY, 1200), (SMALL, 600)], ids=["tiny", "2x2"])
def test_random_operations(spec: Spec, cycles: int, seed: int) -> None:
    """Draws and flushes in any order, two on a sub-tile 2 cycles apart: done flags and every pixel's bytes."""
    operate(spec, cycles, seed)


VARIANTS: list[dict[str, Any]] = [
    {"alpha_check": "quad_any"},
    {"alpha_check": "quad_centre"},
    {"preemptive": 0},
    {"exp_entries": 8},
    {"exp_entries": 32, "exp_linear": 1},
    {"power_fraction": 8, "exp_entries": 128},
    {"power_fraction": 8, "exp_entries": 16, "exp_linear": 1, "alpha_check": "quad_centre", "alpha_bits": 16},
    {"power_fraction": 10, "exp_entries": 1024, "mantissa_bits": 17, "preemptive": 0, "alpha_bits": 8},
]


@pytest.mark.parametrize("changes", VARIANTS, ids=lambda changes: "-".join(f"{k}={v}" for k, v in changes.items()))
def test_variants(changes: dict[str, Any], seed: int) -> None:
    """The same for every check and table."""
    operate(replace(TINY, **changes), 600, seed)


@pytest.mark.parametrize("check", ["quad_any", "quad_centre"])
def test_one_block(check: str, seed: int) -> None:
    """And where a sub-tile is a single block."""
    operate(replace(SMALL, alpha_check=check), 400, seed)


def operate(spec: Spec, cycles: int, seed: int) -> None:
    """Compares `cycles` cycles of random operations."""
    later = interpolation(spec)
    dut = LaneArray(spec=spec, places=spec.columns**2)
    bench = Bench(dut, seed=seed)
    lanes = Lanes(spec, bench)
    due: dict[tuple[str, int], Payload] = {}
    ends = flushes = early = 0

    async def run(ctx: Any) -> None:
        nonlocal ends, flushes, early
        recent: list[int] = []
        last: dict[int, int] = {}
        for cycle in range(cycles):
            inputs, result = (
                lanes.operation(recent) if cycle < cycles - 20 else lanes.operation([*range(spec.columns**2)])
            )
            if result is not None:
                place = inputs["operation"]["place"]
                early += cycle - last.get(place, 0) == HAZARD
                last[place] = cycle
                kind = "drawn" if "drawn" in result else "flushed"
                due[kind, cycle + (DRAWN if kind == "drawn" else FLUSHED) + later] = result
            recent = [*recent, inputs["operation"]["place"] if result else -1][-(HAZARD - 1) :]
            ctx.set(dut.i, inputs)
            for kind in ("drawn", "flushed"):
                out = getattr(dut, kind)
                wanted = due.pop((kind, cycle), None)
                assert ctx.get(out.valid) == (wanted is not None), f"{kind} in cycle {cycle}"
                if wanted is None:
                    continue
                assert ctx.get(out.place) == wanted[kind]
                if kind == "drawn":
                    assert ctx.get(out.done) == wanted["done"]
                    assert ctx.get(out.changed) == wanted["changed"]
                    ends += wanted["done"]
                elif wanted["pixels"] is not None:
                    assert ctx.get(out.pixels) == wanted["pixels"], f"sub-tile {wanted[kind]} in cycle {cycle}"
                    flushes += 1
            await ctx.tick()

    bench.process(run)
    bench.run(drain=cycles + 5)
    assert not due
    assert min(ends, flushes) > 5
    assert early > cycles // 10
