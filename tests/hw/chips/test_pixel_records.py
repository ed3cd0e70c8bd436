"""Records beside the lanes: what a loop over pixels keeps, at the smallest distance of operations."""

from __future__ import annotations

from typing import Any

import numpy as np
from amaranth.hdl import Value

from golden.radiance.alpha_record import make_records
from hw.chips.lumina.config import tiny
from hw.chips.lumina.pixel_records import PixelRecords
from hw.lib.fields import unpack_nested
from tests.hw.lib.bench import Bench, Log
from tests.hw.radiance.caches import number

CYCLES = 500


def test_random_operations(seed: int) -> None:
    """Records before each operation, those that become full, and what a look finds in any cycle that is not blocked."""
    config = tiny()
    cache, lanes, places = config.spec.radiance, config.spec.splat.lanes, config.splat.places
    dut = PixelRecords(config=config)
    bench = Bench(dut, seed=seed)
    rng = bench.random
    end = Log("cycles", count=1)
    bench.logs.append(end)
    met: list[list[list[int]]] = [[[] for _ in range(lanes)] for _ in range(places)]

    def known(place: int) -> list[tuple[int, int]]:
        """Of each lane: full, and its key if so."""
        ids = np.array([(m + [0] * cache.record_length)[: cache.record_length] for m in met[place]])
        records = make_records(cache, ids, np.array([min(len(m), cache.record_length) for m in met[place]]))
        return [(int(f), number(k, 32) if f else 0) for f, k in zip(records.full, records.key, strict=True)]

    def got(bits: int, shape: Any) -> list[tuple[int, int]]:
        return [(each["full"], each["key"] if each["full"] else 0) for each in unpack_nested(bits, shape).values()]

    async def drive(ctx: Any) -> None:
        recent: list[int | None] = [None, None]
        clean: set[int] = set()
        due: list[Any] = [None] * 3  # what is written in this cycle comes last
        before = looked = None
        blocked = filled = looks = 0
        for _ in range(CYCLES):
            place = rng.choice(range(3)) if rng.random() < 0.9 else rng.randrange(places)
            free = place not in recent and rng.random() < 0.9
            flush = free and (place not in clean or rng.random() < 0.03)
            draw = free and not flush
            changed = rng.getrandbits(lanes) & rng.getrandbits(lanes)
            operation = {
                "draw": int(draw), "flush": int(flush), "place": place, "id": rng.randrange(20), "changed": changed,
                "done": 0,
            }  # fmt: skip
            ctx.set(dut.operation, operation)
            look = {"valid": int(rng.random() < 0.5 and bool(clean)), "place": rng.choice([*clean, 0])}
            ctx.set(dut.look, look)
            due = [(operation if free else None), *due[:2]]
            wanted = known(look["place"]) if look["valid"] else None
            _, _, old, records, stop, full, full_place = await ctx.tick().sample(
                Value.cast(dut.before), Value.cast(dut.records), dut.blocked, dut.filled.valid, dut.filled.place
            )
            if before is not None:
                assert got(old, dut.before.shape()) == before
            if looked is not None:
                assert got(records, dut.records.shape()) == looked
            written, fills = due[2], False
            if written:
                at = written["place"]
                was = [f for f, _ in known(at)]
                for lane in range(lanes):
                    if written["flush"]:
                        met[at][lane] = []
                    elif written["changed"] >> lane & 1:
                        met[at][lane].append(written["id"])
                fills = bool(written["draw"]) and [f for f, _ in known(at)] != was
                clean |= {at} if written["flush"] else set()
            assert stop == bool(written and written["place"] == look["place"])
            assert full == fills
            assert not fills or full_place == written["place"]
            looked = wanted if wanted is not None and not stop else looked
            before = known(place) if free and place in clean else None
            recent = [place if free else None, recent[0]]
            blocked, filled, looks = blocked + stop, filled + fills, looks + (wanted is not None)
        assert min(blocked, filled, looks) > 20
        end.values.append(1)

    bench.process(drive)
    bench.run()
