"""Caches and pixels as the RTL sees them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from amaranth.hdl import Value

from golden.radiance.alpha_record import Records, make_records, set_of, tag_of
from golden.radiance.cache import RegionCache
from golden.radiance.spec import Spec
from golden.rows import Ints
from hw.lib.fields import pack, unpack_nested
from hw.lib.stream import payload_shape
from hw.radiance.layouts import SetLayout
from tests.hw.lib.bench import Bench


def number(words: Ints, bits: int) -> int:
    """A number of words, the first one lowest."""
    return sum(int(word) << bits * k for k, word in enumerate(words))


def random_pixels(spec: Spec, count: int, kinds: int, seed: int) -> tuple[Records, Ints]:
    """Pixels of one region whose records recur, some too short, and their colours: [1, P]."""
    rng = np.random.default_rng(seed)
    lists = rng.integers(0, 1 << spec.id_bits, (kinds, spec.record_length))
    chosen = np.repeat(rng.integers(0, kinds, count), rng.integers(1, 4, count))[:count]
    length = np.where(rng.random(count) < 0.1, rng.integers(0, spec.record_length, count), spec.record_length)
    return make_records(spec, lists[chosen][None], length[None]), rng.integers(0, 256, (1, count, spec.channels))


def keys(spec: Spec, records: Records) -> list[dict[str, int]]:
    """Of one region's pixels: `full`, set and tag."""
    places, tags = set_of(spec, records.key)[0], tag_of(spec, records.key)[0]
    return [
        {"full": int(full), "set": int(place), "tag": number(tag, 32)}
        for full, place, tag in zip(records.full[0], places, tags, strict=True)
    ]


def rows(spec: Spec, cache: RegionCache) -> list[dict[str, Any]]:
    """Every set of one region's cache, as `SetLayout` has it."""
    return [
        {
            "entries": [
                {
                    "valid": int(cache.valid[0, place, way]),
                    "tag": number(cache.tag[0, place, way], 32),
                    "colour": number(cache.value[0, place, way], 8),
                }
                for way in range(spec.ways)
            ],
            "recent": int(cache.recent[0, place]),
        }
        for place in range(spec.sets)
    ]


async def load(ctx: Any, port: Any, held: Sequence[dict[str, Any]]) -> None:
    """Puts every set into the cache."""
    for place, row in enumerate(held):
        ctx.set(port, {"valid": 1, "set": place, "row": row})
        await ctx.tick()
    ctx.set(port.valid, 0)


async def dumped(ctx: Any, dut: Any, spec: Spec) -> list[dict[str, Any]]:
    """Every set of the cache."""
    found = []
    for place in range(spec.sets):
        ctx.set(dut.dump, {"valid": 1, "set": place})
        await ctx.tick()
        found.append(unpack_nested(ctx.get(Value.cast(dut.row)), SetLayout(spec)))
    ctx.set(dut.dump.valid, 0)
    return found


async def send(ctx: Any, bench: Bench, interface: Any, values: Sequence[Any], stall: float) -> int:
    """Sends `values` from now on, as a bench's source does from its begin; returns the cycles that it took."""
    payload, begin = Value.cast(interface.payload), ctx.get(bench.cycle)
    for value in values:
        while bench.stall(stall):
            ctx.set(payload, bench.random.getrandbits(len(payload)))
            await ctx.tick()
        ctx.set(payload, pack(payload_shape(interface), value))
        ctx.set(interface.valid, 1)
        taken = False
        while not taken:
            _, _, taken = await ctx.tick().sample(interface.ready)
        ctx.set(interface.valid, 0)
    return ctx.get(bench.cycle) - begin
