"""A watched lane group and what stands between it and the cache: each pixel asks once, and its answer counts."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Elaboratable, Module, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.chips.lumina.recorder import Recorder
from golden.radiance.alpha_record import make_records
from golden.splat.fine_filter import Splats
from golden.splat.pixel_lane import pixel_bytes
from golden.splat.rasteriser import rasterise
from golden.splat.spec import TINY
from hw.chips.lumina.config import Config, compose, tiny
from hw.chips.lumina.group_cache import GroupCache
from hw.chips.lumina.layouts import AnsweredLayout, AskedLayout, FinalTileLayout, size_layout
from hw.lib.fields import pack, unpack_nested
from hw.lib.stream import connect
from hw.splat.lane_group import LaneGroup
from hw.splat.layouts import TileSplatLayout
from hw.splat.tiles import global_number
from hw.splat.watch import FlushedLayout, id_bits
from tests.golden.splat.layers import layers, sorted_splats
from tests.hw.lib.bench import Bench, Log
from tests.hw.radiance.caches import number
from tests.hw.splat.streams import whole
from tests.hw.splat.workload import mask_bits, splat_payloads

CONFIG = compose(replace(tiny().splat, lane_groups=2), tiny().spec, tiny().radiance)
SIZES = [(16, 16), (13, 9), (16, 16), (16, 16), (16, 16)]


class Watched(wiring.Component):
    """A lane group with a cache's part beside it."""

    def __init__(self, config: Config) -> None:
        self.config = config
        splats = TileSplatLayout(config.spec.splat, config.splat.places, id_bits(True))
        super().__init__(
            {
                "i": In(stream.Signature(splats)),
                "number": In(1),
                "flush_room": In(1),
                "open": In(1),
                "odd": In(1),
                "takes": In(1),
                "size": In(size_layout(config)),
                "asks": Out(stream.Signature(AskedLayout(config))),
                "answers": In(stream.Signature(AnsweredLayout(config))),
                "written": Out(FlushedLayout(config.splat)),
                "final": Out(FinalTileLayout(config)),
                "ended": Out(1),
                "drawing": Out(1),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        m.submodules.lanes = lanes = LaneGroup(config=self.config.splat, watched=True)
        m.submodules.cache = cache = GroupCache(config=self.config)
        connect(m, wiring.flipped(self.i), lanes.i)
        connect(m, cache.asks, wiring.flipped(self.asks))
        connect(m, wiring.flipped(self.answers), cache.answers)
        wiring.connect(m, lanes.watch, cache.watch)
        m.d.comb += [
            *(unit.number.eq(self.number) for unit in (lanes, cache)),
            lanes.flush_room.eq(self.flush_room),
            *(getattr(cache, name).eq(getattr(self, name)) for name in ("open", "odd", "takes", "size")),
            cache.drawn.eq(lanes.flushed),
            self.written.eq(cache.written),
            Value.cast(self.final).eq(Value.cast(cache.final)),
            self.ended.eq(cache.ended),
            self.drawing.eq(lanes.drawing),
            self.busy.eq(lanes.busy),
        ]
        return m


def squares() -> list[Splats]:
    """Real ones twice, an opaque wall, and some that too few pixels see often enough."""
    wall = layers(TINY, [1 << TINY.opacity_fraction] * 40, [300] * 40)
    real = sorted_splats("close", TINY, 60)
    return [real, real, wall, real.select(np.arange(len(real)) < 6), sorted_splats("crowd", TINY, 150)]


class Expected:
    """What the model says of every pixel of every square."""

    def __init__(self, config: Config, group: int, share: int) -> None:
        spec, cache = config.spec.splat, config.spec.radiance
        self.tiles = [global_number(config.splat, group, k) for k in range(config.splat.places)]
        self.share = share
        self.pixels: list[np.ndarray] = []
        self.full: list[np.ndarray] = []
        self.key: list[np.ndarray] = []
        for splats, (width, height) in zip(squares(), SIZES, strict=True):
            recorder = Recorder(spec, cache.record_length)
            drawn, *_ = rasterise(splats, spec, watch=recorder)
            tile, lane = np.arange(spec.columns**2)[:, None], np.arange(spec.lanes)
            x = tile % spec.columns * spec.subtile + lane % spec.subtile
            y = tile // spec.columns * spec.subtile + lane // spec.subtile
            count = recorder.met.clip(max=cache.record_length)
            records = make_records(cache, recorder.ids, count)
            self.full.append(records.full & (x < width) & (y < height))
            self.key.append(records.key)
            self.pixels.append(pixel_bytes(drawn, spec).numpy())

    def answer(self, key: int) -> tuple[int, int]:
        """Whether a key is in the cache, and its colour there."""
        return int(key * 2654435761 >> 7 & 255 < self.share), key * 40503 & 0xFFFFFFFF

    def pixel(self, square: int, place: int, lane: int) -> tuple[int, int, int]:
        """Whether it asks, its key, and its bytes in the picture."""
        tile = self.tiles[place]
        key = number(self.key[square][tile, lane], 32)
        full = int(self.full[square][tile, lane])
        hit, colour = self.answer(key)
        drawn = int.from_bytes(bytes(self.pixels[square][tile, lane].tolist()), "little")
        return full, key, colour if full and hit else drawn


@pytest.mark.parametrize(
    ("group", "share", "put", "room", "slow"),
    [
        (1, 128, 0, 1.0, 0.3),
        *(pytest.param(*case, marks=pytest.mark.slow) for case in [(0, 256, 0.3, 0.3, 0.8), (1, 0, 0, 1.0, 0.0)]),
    ],
)
def test_pixels_ask_and_get(group: int, share: int, put: float, room: float, slow: float, seed: int) -> None:
    """Every pixel that is due asks once with its key; those that hit have the cached bytes, the others their own.

    `share` of 256 keys are in the cache. Regions open late and close behind their last sub-tile.
    """
    config = CONFIG
    spec, places = config.spec.splat, config.splat.places
    dut = Watched(config)
    bench = Bench(dut, seed=seed, deadline=40_000)
    expected = Expected(config, group, share)
    inputs: list[Any] = []
    layout = dut.i.payload.shape()
    for splats in squares():
        masks = [mask_bits(mask[expected.tiles]) for mask in splats.mask]
        payloads = [p | {"id": int(rank)} for p, rank in zip(splat_payloads(splats), splats.rank, strict=True)]
        inputs += [whole(layout, {"mask": k, "splat": p}) for k, p in zip(masks, payloads, strict=True)]
        inputs.append(whole(layout, {"end": 1}))
    bench.source(dut.i, inputs, stall=put)
    bench.m.d.comb += dut.number.eq(group)
    asked: list[set[tuple[int, int]]] = [set() for _ in SIZES]
    handed = [0] * len(SIZES)
    counts = {"ended": 0, "drawing": 0}
    finished = Log("regions", count=1)  # the run ends when all of them are closed
    bench.logs.append(finished)

    async def cache(ctx: Any) -> None:
        """Answers in order, each after a while."""
        waiting: deque[Any] = deque()
        answer = None
        while True:
            if answer is None and waiting and not bench.stall(slow):
                ask = waiting[0]
                hit, colour = expected.answer(ask["key"])
                answer = {"place": ask["place"], "lanes": ask["lanes"], "hit": hit, "colour": colour}
                ctx.set(Value.cast(dut.answers.payload), pack(dut.answers.payload.shape(), answer))
            ctx.set(dut.answers.valid, answer is not None)
            ready = len(waiting) < 4
            ctx.set(dut.asks.ready, ready)
            _, _, valid, payload, taken = await ctx.tick().sample(
                dut.asks.valid, Value.cast(dut.asks.payload), dut.answers.ready
            )
            if valid and ready:
                waiting.append(see(unpack_nested(payload, dut.asks.payload.shape())))
            if answer and taken:
                waiting.popleft()
                answer = None

    region = 0

    def see(ask: Any) -> Any:
        for lane in range(spec.lanes):
            if ask["lanes"] >> lane & 1:
                full, key, _ = expected.pixel(region, ask["place"], lane)
                assert full, f"region {region}: a pixel asks that is not due: {ask}"
                assert ask["key"] == key
                assert (ask["place"], lane) not in asked[region], "a pixel asks twice"
                asked[region].add((ask["place"], lane))
        return ask

    async def regions(ctx: Any) -> None:
        nonlocal region
        for k, (width, height) in enumerate(SIZES):
            for _ in range(200):
                await ctx.tick()
            region = k
            ctx.set(dut.odd, k % 2)
            ctx.set(dut.size, {"width": width, "height": height})
            ctx.set(dut.open, 1)
            for _ in range(50):
                await ctx.tick()
            assert handed[k] == 0, "asking and being handed out are two things"
            ctx.set(dut.takes, 1)
            while handed[k] < places:
                await ctx.tick()
            ctx.set(dut.open, 0)
            ctx.set(dut.takes, 0)
        finished.values.append(1)

    async def watch(ctx: Any) -> None:
        while True:
            ctx.set(dut.flush_room, bench.random.random() < room)
            ports = (dut.ended, dut.drawing, dut.written.valid, dut.written.place, dut.written.pixels)
            _, _, ended, drawing, valid, place, pixels, final = await ctx.tick().sample(*ports, Value.cast(dut.final))
            counts["ended"] += ended
            counts["drawing"] += drawing
            if not valid:
                continue
            left = unpack_nested(final, dut.final.shape())
            assert (left["valid"], left["place"]) == (1, place)
            for lane in range(spec.lanes):
                full, key, wanted = expected.pixel(region, place, lane)
                got = pixels >> 32 * lane & 0xFFFFFFFF
                assert got == wanted, f"region {region}, sub-tile {place}, lane {lane}: {got:08x}, not {wanted:08x}"
                mine = left["pixels"][f"lane_{lane}"]
                assert mine["full"] == full
                assert not full or (mine["key"], mine["colour"]) == (key, wanted)
                assert not full or (place, lane) in asked[region]
            handed[region] += 1

    for process in (cache, regions, watch):
        bench.process(process)
    bench.run(drain=50)
    assert handed == [places] * len(SIZES)
    due = sum(int(full[expected.tiles].sum()) for full in expected.full)
    assert sum(map(len, asked)) == due > 300
    touches = sum(int(splats.mask[:, expected.tiles].sum()) for splats in squares())
    assert counts["drawing"] < touches
    assert (counts["ended"] > 0) == (share > 0), counts
