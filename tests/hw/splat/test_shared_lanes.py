"""Lanes that share a back end: the model's pixels, sub-tile by sub-tile, whatever each back end has to draw."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from golden.errors import InputError
from golden.splat.spec import TINY, Spec
from hw.splat.config import tiny
from hw.splat.raster_setup import RasterSetup
from hw.splat.shared_lanes import SharedLanes
from tests.hw.lib.bench import Bench
from tests.hw.splat.datapath import Payload
from tests.hw.splat.lanes import Lanes

AWAY = RasterSetup.LATENCY + 2  # cycles from a look at `room` to the lanes: the dispatcher's register and the set-up


@pytest.mark.parametrize(
    ("changes", "share"),
    [({}, 2), ({}, 4), ({"exp_entries": 32, "exp_linear": 1}, 8), ({"subtile": 2}, 4)],
    ids=["2", "4", "8-lines", "all"],
)
def test_random_operations(changes: dict[str, Any], share: int, seed: int) -> None:
    """As often as there is room: pixels of every flush in order, changes counted, opaque sub-tiles told once."""
    operate(replace(TINY, **changes), share, seed)


def operate(spec: Spec, share: int, seed: int, cycles: int = 600) -> None:
    """Compares what random operations on sub-tiles give, the next one on a sub-tile at once."""
    dut = SharedLanes(spec=spec, places=spec.columns**2, share=share)
    bench = Bench(dut, seed=seed)
    lanes = Lanes(spec, bench.random, flushes=0.05)
    flushes: list[Payload] = []
    closed: set[int] = set()  # being flushed: what is drawn there now would be the next square's
    opaque: set[int] = set()
    told: set[int] = set()
    changes = [0, 0]
    waited = flushed = ends = 0

    async def run(ctx: Any) -> None:
        nonlocal waited, flushed, ends
        room = [0] * AWAY
        for cycle in range(cycles + 400):
            room = [*room[1:], ctx.get(dut.room)]
            free = room[0] and cycle < cycles
            waited += not room[0] and AWAY < cycle < cycles
            blocked = [*closed] if free else list(range(spec.columns**2))
            inputs, result = lanes.operation(blocked)
            place = inputs["operation"]["place"]
            if result is not None and "flushed" in result:
                flushes.append(result)
                closed.add(place)
                opaque.discard(place)
            elif result is not None:
                changes[0] += result["changed"]
                if result["done"]:
                    opaque.add(place)
            ctx.set(dut.i, inputs)
            ctx.set(dut.takes, int(bench.random.random() < 0.5))
            changes[1] += ctx.get(dut.drawn.changed)
            if ctx.get(dut.drawn.valid):
                place = ctx.get(dut.drawn.place)
                assert place not in told, f"sub-tile {place} told twice"
                assert place in opaque | closed
                told.add(place)
                ends += 1
            if ctx.get(dut.flushed.valid):
                wanted = flushes.pop(0)
                place = wanted["flushed"]
                assert ctx.get(dut.flushed.place) == place
                if wanted["pixels"] is not None:
                    assert ctx.get(dut.flushed.pixels) == wanted["pixels"], f"sub-tile {place} in cycle {cycle}"
                closed.discard(place)
                told.discard(place)
                flushed += 1
            await ctx.tick()

    bench.process(run)
    bench.run(drain=cycles + 500)
    assert not flushes
    assert changes[0] == changes[1]
    assert told == opaque
    assert min(flushed, ends) >= 4
    assert waited > 0 or share == 2  # two to a back end keep up with random operations


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lane_share": 3}, "lane_share"),
        ({"lane_share": 2, "spec": replace(TINY, preemptive=0)}, "lane_share must be 1 unless alpha_check is pixel"),
        ({"lane_share": 8, "spec": replace(TINY, subtile=2)}, "lane_share must not exceed subtile² = 4, it is 8"),
    ],
)
def test_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(tiny(), **changes)
