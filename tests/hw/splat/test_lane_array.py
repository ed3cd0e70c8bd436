"""Pixel lanes, all of a sub-tile: alpha, blend, state and bytes of the model, at the smallest distance allowed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from golden.splat.spec import DEFAULT, TINY, Spec
from hw.splat.exponent import interpolation
from hw.splat.lane_array import LaneArray
from hw.splat.pixel_lane import HAZARD
from tests.hw.lib.bench import Bench
from tests.hw.splat.datapath import Payload
from tests.hw.splat.lanes import Lanes

DRAWN, FLUSHED = 10, 11  # cycles after the operation, with a constant table


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
    lanes = Lanes(spec, bench.random)
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
