"""Several pixels go in at a time: the cache after it is the model's, whatever the pace."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from golden.radiance.cache import empty_cache, frame
from golden.radiance.spec import PAPER, Spec
from hw.chips.lumina.bank_picker import BankPicker
from hw.chips.lumina.config import compose, tiny
from hw.chips.lumina.fill_banks import FillBanks
from tests.hw.lib.bench import Bench, Log
from tests.hw.radiance.caches import dumped, load, number, random_pixels, rows, send

PIXELS = 320


@pytest.mark.parametrize(("key", "banks", "put"), [("hash", 4, 0.0), ("hash", 2, 0.5), ("published", 8, 0.2)])
def test_pixels_go_in_in_order(key: str, banks: int, put: float, seed: int) -> None:
    """Rows of pixels, some of which have not asked, into a cache that holds something."""
    config = tiny()
    published = replace(PAPER, region=16, channels=4, record_length=3, sets=32)
    spec: Spec = published if key == "published" else replace(config.spec.radiance, sets=32)
    config = compose(config.splat, replace(config.spec, radiance=spec), config.radiance, fill_banks=banks)
    dut = FillBanks(config=config)
    bench = Bench(dut, seed=seed)
    end = Log("caches", count=1)
    bench.logs.append(end)
    records, drawn = random_pixels(spec, PIXELS, 150, seed)
    older, colours = random_pixels(spec, PIXELS, 150, seed + 1)
    _, before = frame(spec, empty_cache(spec), older, 255 - colours)
    known = replace(records, **{name: array[:, :80] for name, array in vars(records).items()})
    _, before = frame(spec, before, known, 255 - drawn[:, :80])
    found, after = frame(spec, before, records, drawn)
    pixels = [
        {"full": int(records.full[0, k]), "key": number(records.key[0, k], 32), "colour": number(found.colour[0, k], 8)}
        for k in range(PIXELS)
    ]
    side = config.spec.splat.subtile
    sent = [{f"lane_{n}": pixels[k + n] for n in range(side)} for k in range(0, PIXELS, side)]
    counts = dict.fromkeys(("merged", "filled", "replaced"), 0)

    async def fill(ctx: Any) -> None:
        await load(ctx, dut.load, rows(spec, before))
        cycles = await send(ctx, bench, dut.i, sent, put)
        assert put or cycles < PIXELS * 0.6  # four at a time, but for those of one bank
        while not ctx.get(dut.idle):
            await ctx.tick()
        assert await dumped(ctx, dut, spec) == rows(spec, after)
        end.values.append(1)

    async def count(ctx: Any) -> None:
        while True:
            _, _, *events = await ctx.tick().sample(*(getattr(dut, name) for name in counts))
            for name, event in zip(counts, events, strict=True):
                counts[name] += event

    bench.process(fill)
    bench.process(count)
    bench.run()
    assert min(counts.values()) > 3


def test_a_bank_takes_its_own(seed: int) -> None:
    """Of random rows, those whose set leaves its rest, in their order; one a cycle."""
    config = tiny()
    cache, bank = config.spec.radiance, 2
    dut = BankPicker(config=config)
    bench = Bench(dut, seed=seed)
    draw = bench.random.getrandbits
    sent = [
        {
            f"lane_{k}": {"full": int(draw(2) > 0), "key": draw(cache.whole_key_bits), "colour": draw(32)}
            for k in range(4)
        }
        for _ in range(80)
    ]
    mine = [p for row in sent for p in row.values() if p["full"] and p["key"] % 4 == bank]
    bench.m.d.comb += dut.bank.eq(bank)
    source = bench.source(dut.i, sent)
    bench.sink(
        dut.o,
        [
            {
                "set": p["key"] % cache.sets >> 2,
                "tag": p["key"] >> cache.set_bits << 2 | bank,
                "colour": p["colour"],
            }
            for p in mine
        ],
    )
    bench.run()
    each = [max(1, sum(p in mine for p in row.values())) for row in sent]
    assert source.cycles[-1] - source.cycles[0] == sum(each) - each[0]
