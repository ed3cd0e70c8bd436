"""Pixels of a lane group ask once each, those of the open region alone."""

from __future__ import annotations

from typing import Any

from hw.chips.lumina.asker import Asker
from hw.chips.lumina.config import tiny
from tests.hw.lib.bench import Bench, Log, ticks

SIZE = (13, 6)


def test_who_asks(seed: int) -> None:
    """Full records on the image ask, whenever they become full; a sub-tile is held until the last answer, and all of
    the next region's are until that is open."""
    config = tiny()
    spec, places = config.spec, config.splat.places
    lanes, side, n = spec.splat.lanes, spec.splat.subtile, spec.splat.columns
    dut = Asker(config=config)
    bench = Bench(dut, seed=seed)
    rng = bench.random
    end = Log("regions", count=1)
    bench.logs.append(end)
    full = [0] * places  # lanes whose records are
    asked: list[tuple[int, int]] = []
    unanswered: list[int] = []
    together: list[int] = []

    def key(place: int, lane: int) -> int:
        return place * 977 + lane % 5

    def inside(place: int, lane: int) -> bool:
        row, column = divmod(place, n)
        return column * side + lane % side < SIZE[0] and row * side + lane // side < SIZE[1]

    async def serve(ctx: Any) -> None:
        """Records and the cache."""
        while True:
            blocked = rng.random() < 0.3
            answers = bool(unanswered) and rng.random() < 0.3
            ready = rng.random() < 0.6
            ctx.set(dut.blocked, blocked)
            ctx.set(dut.asks.ready, ready)
            ctx.set(dut.answered, answers)
            held = ctx.get(dut.pending)
            assert all(held >> place & 1 for place in unanswered)
            _, _, valid, payload, look, place = await ctx.tick().sample(
                dut.asks.valid, dut.asks.payload, dut.look.valid, dut.look.place
            )
            if answers:
                unanswered.pop(0)
            if valid and ready:
                at = payload.place
                now = [k for k in range(lanes) if payload.lanes >> k & 1]
                assert now
                for lane in now:
                    assert full[at] >> lane & 1
                    assert inside(at, lane)
                    assert payload.key == key(at, lane)
                    asked.append((at, lane))
                together.append(len(now))
                unanswered.append(at)
            if look and not blocked:
                rows = {f"lane_{k}": {"full": full[place] >> k & 1, "key": key(place, k)} for k in range(lanes)}
                ctx.set(dut.records, rows)

    async def drive(ctx: Any) -> None:
        ctx.set(dut.size, {"width": SIZE[0], "height": SIZE[1]})
        for region in range(3):
            asked.clear()
            for turn in range(60):
                ctx.set(dut.open, turn > 20)
                ctx.set(dut.odd, region % 2)
                place = rng.randrange(places)
                new = full[place] | rng.getrandbits(lanes) & rng.getrandbits(lanes)
                ctx.set(dut.filled, {"valid": int(new != full[place]), "place": place})
                full[place] = new
                await ctx.tick()
                ctx.set(dut.filled.valid, 0)
                assert turn < 20 or not ctx.get(dut.filled.valid)
                assert turn > 20 or (not asked and ctx.get(dut.hold) == (1 << places) - 1)
                await ticks(ctx, rng.randrange(8))
            while ctx.get(dut.pending):
                await ctx.tick()
            due = [(p, k) for p in range(places) for k in range(lanes) if full[p] >> k & 1 and inside(p, k)]
            assert sorted(asked) == due
            assert ctx.get(dut.hold) == 0
            for place in range(places):
                full[place] = 0
                ctx.set(dut.flushed, {"valid": 1, "place": place})
                await ctx.tick()
                ctx.set(dut.flushed.valid, 0)
                assert ctx.get(dut.hold) == (2 << place) - 1, "a flushed sub-tile is the next region's"
        end.values.append(1)

    bench.process(serve)
    bench.process(drive)
    bench.run()
    assert max(together) > 1
