"""A watched lane group: an observer sees what every splat changed, holds flushes up, and ends sub-tiles."""

from __future__ import annotations

from typing import Any

import torch
from amaranth.hdl import Value

from golden.splat.rasteriser import rasterise
from golden.splat.spec import TINY
from hw.lib.fields import unpack_nested
from hw.splat.config import tiny
from hw.splat.lane_group import LaneGroup
from hw.splat.layouts import TileSplatLayout
from hw.splat.watch import FlushedLayout, WatchedLayout, WatchSignature, id_bits
from tests.golden.splat.layers import sorted_splats
from tests.hw.lib.bench import Bench
from tests.hw.splat.streams import whole
from tests.hw.splat.workload import mask_bits, splat_payloads

HELD, ENDED = 5, 6  # sub-tiles
AFTER = 20  # splats on the second before it is ended


def test_what_an_observer_sees_and_says(seed: int) -> None:
    """Ids, changed and done pixels of every draw are the model's; a held sub-tile is flushed last, one that is ended
    gets no further splats."""
    config = tiny()
    dut = LaneGroup(config=config, watched=True)
    assert WatchSignature(config).members["operation"].shape == WatchedLayout(TINY, config.places)
    assert len(Value.cast(dut.flushed)) == FlushedLayout(config).size
    bench = Bench(dut, seed=seed)
    splats = sorted_splats("close", TINY, 200)
    layout = TileSplatLayout(TINY, config.places, id_bits(True))
    given = zip(splats.mask, splat_payloads(splats), splats.rank, strict=True)
    rows = [whole(layout, {"mask": mask_bits(m), "splat": p | {"id": int(rank)}}) for m, p, rank in given]
    bench.source(dut.i, [*rows, whole(layout, {"end": 1})])
    expected: list[list[tuple[int, int]]] = [[] for _ in range(config.places)]

    def note(subtile: torch.Tensor, rank: torch.Tensor, _: object, weight: torch.Tensor, __: object) -> None:
        for n, place in enumerate(subtile.tolist()):
            expected[place] += [
                (int(rank[k, n]), mask_bits(weight[k, n] > 0))
                for k in range(len(rank))
                if bool((weight[k, n] > 0).any())
            ]

    pixels, *_ = rasterise(splats, TINY, watch=note)
    seen: list[list[tuple[int, int]]] = [[] for _ in range(config.places)]
    done = [0] * config.places
    draws = 0
    order: list[int] = []

    async def observe(ctx: Any) -> None:
        nonlocal draws
        ctx.set(dut.flush_room, 1)
        held = 1 << HELD  # also while the sub-tiles are flushed after reset, where it has no effect
        while True:
            ctx.set(dut.watch.hold, held)
            _, _, bits, valid, place = await ctx.tick().sample(
                Value.cast(dut.watch.operation), dut.flushed.valid, dut.flushed.place
            )
            operation = unpack_nested(bits, dut.watch.operation.shape())
            ctx.set(dut.watch.finished.valid, 0)
            if operation["draw"]:
                at = operation["place"]
                assert operation["done"] & done[at] == done[at], "a pixel that was done is no more"
                done[at] = operation["done"]
                draws += at == ENDED
                if operation["changed"]:
                    seen[at].append((operation["id"], operation["changed"]))
                if at == ENDED and draws >= AFTER:
                    ctx.set(dut.watch.finished, {"valid": 1, "place": ENDED})
            if valid:
                order.append(place)
                held = 0 if len(order) == config.places - 1 else held

    bench.process(observe)
    bench.run(drain=300)
    assert sorted(order) == list(range(config.places))
    assert order[-1] == HELD
    assert sum(number.bit_count() for number in done) > 50
    for place in range(config.places):
        if place == ENDED:
            assert seen[place] == expected[place][: len(seen[place])]
            assert AFTER <= draws < int(splats.mask[:, ENDED].sum()) - 5
        else:
            assert seen[place] == expected[place], f"sub-tile {place}"
            assert done[place] == mask_bits(pixels.done[place])
