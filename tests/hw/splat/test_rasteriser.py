"""Rasteriser: groups of splats in, the model's bytes in memory out."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
import torch

from golden.splat.fine_filter import Splats
from golden.splat.memory_map import PIXEL_BYTES
from golden.splat.pixel_lane import pixel_bytes
from golden.splat.rasteriser import rasterise
from golden.splat.spec import TINY
from golden.splat.touch import tiles
from hw.lib.payloads import SortedLayout
from hw.splat.config import tiny
from hw.splat.rasteriser import Rasteriser
from tests.golden.splat.layers import layers, sorted_splats
from tests.hw.lib.bench import Bench
from tests.hw.splat.datapath import Payload
from tests.hw.splat.streams import whole
from tests.hw.splat.workload import sorted_payloads, workload

ADDRESS = 8192
ENTRY = {"valid_columns": 4, "valid_rows": 4}


def join(*parts: Splats) -> Splats:
    return Splats(**{f.name: torch.cat([getattr(part, f.name) for part in parts]) for f in fields(Splats)})


def inside(splats: Splats, columns: int, rows: int) -> Splats:
    """The splats of a group of which only some sub-tiles are on the image."""
    touch = splats.touch.clone()
    touch[:, :2, 1] = touch[:, :2, 1].minimum(torch.tensor([columns - 1, rows - 1]))
    return replace(splats, touch=touch, mask=tiles(touch, splats.slant, TINY))


def groups() -> list[tuple[Splats, Payload]]:
    """Real ones, an empty one, one that is opaque long before its end, the same partly off the image, two in slabs."""
    w = workload()
    front = layers(TINY, [1 << TINY.opacity_fraction] * 14, [300] * 14)
    crowd = join(front, *[sorted_splats("close", TINY, 40)] * 3)
    real = [(w.sorted_splats(w.groups[n]), w.entries[n]) for n in (3, 5, 2)]
    partly = {"valid_columns": 3, "valid_rows": 2}
    last = (sorted_splats("close", TINY, 30), ENTRY)
    return [
        *real, (crowd, ENTRY), real[0], (inside(crowd, 3, 2), partly),
        *slabs(*real[0], 3), *slabs(crowd, ENTRY, 4), *slabs(*real[1], 1), last,
    ]  # fmt: skip


def slabs(splats: Splats, entry: Payload, count: int) -> list[tuple[Splats, Payload]]:
    """A group in so many parts, all but the last continued, and an empty one in front."""
    parts = torch.arange(len(splats)).tensor_split(count)
    entries = [{**entry, "continued": 1}] * count + [entry]
    return [(splats.select(part), e) for part, e in zip([parts[0][:0], *parts], entries, strict=True)]


def parted(every: list[tuple[Splats, Payload]]) -> tuple[list[Payload], list[Payload], int]:
    """Streams, entries, and how many ends are `kept`: of every other slab that is not the last its end says so."""
    inputs: list[Payload] = []
    entries: list[Payload] = []
    kept = follows = 0
    for splats, entry in every:
        *drawn, end = sorted_payloads(splats)
        by_end = int(bool(entry.get("continued")) and follows % 2 == 0)
        follows += bool(entry.get("continued"))
        kept += by_end
        inputs += [*drawn, {**end, "kept": by_end}]
        entries.append({**entry, "continued": 0} if by_end else entry)
    return inputs, entries, kept


def squares(every: list[tuple[Splats, Payload]]) -> list[Splats]:
    """What is drawn on each square of pixels."""
    result: list[Splats] = []
    follows = False
    for splats, entry in every:
        result = [*result[:-1], join(result[-1], splats)] if follows else [*result, splats]
        follows = bool(entry.get("continued"))
    return result


def framebuffer(splats: list[Splats]) -> bytes:
    """Sub-tile by sub-tile."""
    return b"".join(bytes(pixel_bytes(rasterise(s, TINY)[0], TINY).flatten().tolist()) for s in splats)


@pytest.mark.parametrize(
    ("window", "lane_groups", "share", "put", "stall"),
    [
        (2, 1, 1, 0, 0), pytest.param(6, 4, 1, 0, 0.7, marks=pytest.mark.slow), (1, 2, 2, 0.4, 0.3), (3, 4, 1, 0, 0),
        pytest.param(3, 4, 4, 0, 0.3, marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_groups(window: int, lane_groups: int, share: int, put: float, stall: float, seed: int) -> None:
    """Every byte of the framebuffer, written once; `stop` while, and only while, the group at hand is opaque."""
    config = replace(tiny(), issue_window=window, lane_groups=lane_groups, lane_share=share)
    dut = Rasteriser(config=config)
    bench = Bench(dut, seed=seed)
    every = groups()
    layout = SortedLayout(TINY)
    inputs, entries, kept = parted(every)
    bench.source(dut.i, [whole(layout, payload) for payload in inputs], stall=put)
    entry = dict.fromkeys(workload().entries[0], 0)
    bench.source(dut.groups, [entry | e for e in entries], stall=put)
    tile_bytes = TINY.lanes * PIXEL_BYTES
    log = bench.sink(
        dut.memory.request, len(squares(every)) * TINY.columns**2 * tile_bytes * 8 // config.memory_width, stall=stall
    )
    bench.m.d.comb += [dut.frame_address.eq(ADDRESS), dut.start.eq(bench.cycle == 0)]
    stops: list[int] = [0] * len(every)
    counts = dict.fromkeys(("drawing", "flushing", "changed", "square_end", "square_kept", "group_end"), 0)
    busy = 1

    async def watch(ctx: Any) -> None:
        nonlocal busy
        names = tuple(counts)
        while True:
            group = counts["group_end"]
            _, _, stop, busy, *events = await ctx.tick().sample(dut.stop, dut.busy, *(getattr(dut, n) for n in names))
            if group < len(every):
                stops[group] += stop
            for name, event in zip(names, events, strict=True):
                counts[name] += event

    bench.process(watch)
    bench.run(drain=30)
    got = {write["address"]: write["data"] for write in log.values}
    assert len(got) == len(log.values), "a word was written twice"
    expected = framebuffer(squares(every))
    step = config.memory_width // 8
    for k in range(0, len(expected), step):
        assert got[ADDRESS + k] == int.from_bytes(expected[k : k + step], "little"), (
            f"group {k // (16 * tile_bytes)}, byte {k}"
        )
    long = [n for n, count in enumerate(stops) if count > 20 and n != 11]  # in 11 the square may become opaque late
    assert long == [3, 5, 12, 13, 14], "the groups that are opaque before their end"
    # The slabs behind the one in which a square becomes opaque are stopped as well.
    assert [n for n, count in enumerate(stops) if count and n != 11] == [3, 5, 12, 13, 14]
    assert counts["group_end"] == len(every)
    assert (counts["square_end"], counts["square_kept"]) == (len(squares(every)), kept)
    assert 0 < kept < sum(bool(e.get("continued")) for _, e in every)
    touches, useful = (sum(rasterise(s, TINY)[k] for s in squares(every)) for k in (1, 2))
    assert useful <= counts["drawing"] < touches
    assert busy == 0
