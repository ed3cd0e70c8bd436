"""A lane group: its share of every square's sub-tiles, by the model, whatever the writer and the splats' pace."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from golden.splat.fine_filter import Splats
from golden.splat.rasteriser import rasterise
from golden.splat.spec import TINY
from hw.splat.config import Config, tiny
from hw.splat.lane_group import LaneGroup
from hw.splat.layouts import TileSplatLayout
from hw.splat.tiles import global_number
from tests.golden.splat.layers import layers, sorted_splats
from tests.hw.lib.bench import Bench
from tests.hw.splat.datapath import Payload
from tests.hw.splat.lanes import states
from tests.hw.splat.streams import whole
from tests.hw.splat.workload import mask_bits, splat_payloads


def squares() -> list[Splats]:
    """Real ones, an opaque wall of which all behind is dropped, none at all, and real ones again."""
    wall = layers(TINY, [1 << TINY.opacity_fraction] * 40, [300] * 40)
    real = sorted_splats("close", TINY, 60)
    return [real, wall, real.select(torch.zeros(len(real), dtype=torch.bool)), real]


def inputs(config: Config, number: int) -> list[Payload]:
    """The stream of lane group `number`."""
    own = [global_number(config, number, k) for k in range(config.places)]
    layout = TileSplatLayout(config.spec, config.places)
    result: list[Payload] = []
    for splats in squares():
        masks = [mask_bits(mask[own]) for mask in splats.mask]
        drawn = zip(masks, splat_payloads(splats), strict=True)
        result += [whole(layout, {"mask": mask, "splat": splat}) for mask, splat in drawn]
        result.append(whole(layout, {"end": 1}))
    return result


@pytest.mark.parametrize(("lane_groups", "number"), [(2, 1), (4, 2)])
@pytest.mark.parametrize(("put", "room"), [(0, 1.0), (0.4, 0.2)])
def test_its_share(lane_groups: int, number: int, put: float, room: float, seed: int) -> None:
    """Every sub-tile of its own is handed out once a square with the model's pixels; `dead` only behind the wall."""
    config = replace(tiny(), lane_groups=lane_groups)
    dut = LaneGroup(config=config)
    bench = Bench(dut, seed=seed)
    bench.source(dut.i, inputs(config, number), stall=put)
    bench.m.d.comb += dut.number.eq(number)
    drawn = [rasterise(splats, TINY)[0] for splats in squares()]
    seen = [0] * config.places  # squares that each sub-tile has been handed out for
    counts = dict.fromkeys(("drawing", "flushing", "changed", "dead"), 0)
    busy = 1

    async def watch(ctx: Any) -> None:
        nonlocal busy
        names = tuple(counts)
        while True:
            ctx.set(dut.flush_room, bench.random.random() < room)
            ports = (dut.busy, dut.flushed.valid, dut.flushed.place, dut.flushed.pixels)
            _, _, busy, valid, place, pixels, *events = await ctx.tick().sample(
                *ports, *(getattr(dut, n) for n in names)
            )
            for name, event in zip(names, events, strict=True):
                counts[name] += event
            if valid:
                tile = global_number(config, number, place)
                assert pixels == states(drawn[seen[place]], TINY, tile), f"square {seen[place]}, sub-tile {tile}"
                seen[place] += 1

    bench.process(watch)
    bench.run(drain=600)
    assert seen == [len(drawn)] * config.places
    assert counts["flushing"] == (len(drawn) + 1) * config.places  # the first are those after reset
    own = [global_number(config, number, k) for k in range(config.places)]
    touches = sum(int(splats.mask[:, own].sum()) for splats in squares())
    assert 0 < counts["drawing"] < touches  # not all of the wall
    assert counts["changed"] > 100
    assert counts["dead"] > 5
    assert busy == 0
