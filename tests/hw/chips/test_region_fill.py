"""Sub-tiles of a region in any order, their rows in the region's order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hw.chips.lumina.config import compose, tiny
from hw.chips.lumina.fill_reader import FillReader
from hw.chips.lumina.region_fill import RegionFill
from hw.splat.tiles import global_number
from tests.hw.lib.bench import Bench


@pytest.mark.parametrize(("lane_groups", "stall"), [(1, 0.0), (4, 0.5)])
def test_pixels_in_order(lane_groups: int, stall: float, seed: int) -> None:
    """Of two regions, the rows with a pixel that has asked; a cycle for each row, with one or without."""
    config = compose(replace(tiny().splat, lane_groups=lane_groups), tiny().spec, tiny().radiance)
    spec, places = config.spec, config.splat.places
    side, n, cache = spec.splat.subtile, spec.splat.columns, spec.radiance
    dut = RegionFill(config=config)
    bench = Bench(dut, seed=seed)
    rng = bench.random
    regions = [[{"full": int(rng.random() < share), "key": rng.getrandbits(cache.whole_key_bits),
                 "colour": rng.getrandbits(32)} for _ in range(cache.pixels)] for share in (0.8, 0.05)]  # fmt: skip
    expected = []
    for pixels in regions:
        rows = [{f"lane_{n}": pixels[k + n] for n in range(side)} for k in range(0, cache.pixels, side)]
        expected += [row for row in rows if any(pixel["full"] for pixel in row.values())]
    assert len(expected) < 2 * cache.pixels // side
    bench.sink(dut.o, expected, stall=stall)

    async def drive(ctx: Any) -> None:
        for pixels in regions:
            tiles = [(group, place) for group in range(lane_groups) for place in range(places)]
            rng.shuffle(tiles)
            for group, place in tiles:
                row, column = divmod(global_number(config.splat, group, place), n)
                at = [(row * side + k // side) * n * side + column * side + k % side for k in range(spec.splat.lanes)]
                ctx.set(
                    dut.tiles[group],
                    {"valid": 1, "place": place, "pixels": {f"lane_{k}": pixels[a] for k, a in enumerate(at)}},
                )
                assert ctx.get(dut.taken)
                await ctx.tick()
                ctx.set(dut.tiles[group].valid, 0)
                while rng.random() < 0.3:
                    await ctx.tick()
            ctx.set(dut.start, 1)
            await ctx.tick()
            ctx.set(dut.start, 0)
            cycles = 0
            while ctx.get(dut.busy):
                await ctx.tick()
                cycles += 1
            assert cycles >= cache.pixels // side
            assert stall or cycles <= cache.pixels // side + FillReader.latency + 8

    bench.process(drive)
    bench.run(drain=40)
