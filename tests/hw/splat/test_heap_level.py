"""One level of the heap by itself: what it sends up, what it sends below, and that it takes what comes back."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from golden.splat.spec import TINY
from hw.splat.heap_item import GROUP_BITS, comes
from hw.splat.heap_level import HeapLevel
from tests.hw.lib.bench import Bench
from tests.hw.splat.test_heap_bank import scattered

LEVELS = 5
CYCLES = 900
GROUPS = 1 << GROUP_BITS
Item = tuple[int, int, int, int]  # group, depth, rank, slot
Answer = dict[str, Any]


class Places:
    """The pairs of a level, each place with the sorted entries of its subtree; the first of them is the level's own."""

    def __init__(self, rng: Random, level: int, group: int) -> None:
        self.rng, self.group = rng, group
        self.capacity = (1 << (LEVELS - level)) - 1
        self.pairs: list[tuple[list[Item], list[Item]]] = [([], []) for _ in range(1 << (level - 1))]
        self.made = 0

    def order(self, item: Item) -> Item:
        """The group that is being drained comes first."""
        return (item[0] - self.group) % GROUPS, *item[1:]

    def item(self) -> Item:
        """Few depths, so that many are equal."""
        self.made += 1
        return self.rng.randrange(GROUPS), self.rng.randrange(4), scattered(self.made), self.rng.randrange(1 << LEVELS)

    def insert(self, pair: int) -> tuple[Item, Answer]:
        """A new item for the side with fewer entries; the farther of it and the place's entry goes on below."""
        item, sides = self.item(), self.pairs[pair]
        side = int(len(sides[1]) < len(sides[0]))
        below = max(item, sides[side][0], key=self.order) if sides[side] else None
        sides[side].append(item)
        sides[side].sort(key=self.order)
        return item, {"side": side, "up": None, "below": below}

    def pop(self, pair: int) -> Answer:
        """The nearer of both sides goes up; what then is the nearest below its place comes back."""
        sides = self.pairs[pair]
        filled = [side for side in range(2) if sides[side]]
        if not filled:
            return {"side": 0, "up": None, "below": None}
        side = min(filled, key=lambda k: self.order(sides[k][0]))
        up = sides[side].pop(0)
        return {"side": side, "up": up, "below": sides[side][0] if sides[side] else None}

    def replace(self, pair: int) -> tuple[Item, Answer]:
        """A side nearer than a new item goes up, and the item below where it stood; else nothing moves."""
        item, sides = self.item(), self.pairs[pair]
        nearest = min((entry for side in sides for entry in side[:1]), key=self.order, default=item)
        if self.order(item) <= self.order(nearest):
            return item, {"side": 0, "up": None, "below": None}
        answer = self.pop(pair)
        side = sides[answer["side"]]
        deeper = bool(side)
        side.append(item)
        side.sort(key=self.order)
        return item, answer | {"below": side[0] if deeper else None}


def fields(item: Item) -> dict[str, int]:
    return dict(zip(("group", "depth", "rank", "slot"), item, strict=True))


@pytest.mark.parametrize("level", [3, LEVELS - 1])
@pytest.mark.parametrize("group", [0, 3])
def test_random_operations(level: int, group: int, seed: int) -> None:
    """Inserts and pops as close to each other as a heap sends them, on places that are empty, in use and full."""
    dut = HeapLevel(spec=replace(TINY, sort_levels=LEVELS), level=level)
    bench = Bench(dut, seed=seed)
    rng = bench.random
    places = Places(rng, level, group)
    seen = dict.fromkeys(("up", "below", "nothing", "full", "insert", "pop", "replace"), 0)

    async def clear(ctx: Any) -> None:
        ctx.set(dut.group, group)
        ctx.set(dut.clear, 1)
        for pair in range(len(places.pairs)):
            ctx.set(dut.clear_pair, pair)
            await ctx.tick()
        ctx.set(dut.clear, 0)

    async def run(ctx: Any) -> None:
        await clear(ctx)
        asked: tuple[str, int, Answer, Item] | None = None  # in the cycle before
        fill: Item | None = None
        wait = 0
        for cycle in range(CYCLES):
            from_side, other = rng.randrange(2), rng.randrange(2)
            there = (fill is not None) << from_side | other << (1 - from_side)
            ctx.set(dut.fill, {"item": fields(fill or places.item()), "side": from_side, "there": there})
            answered, asked, fill = asked, None, None
            pair, wait = rng.randrange(len(places.pairs)), max(wait - 1, 0)
            insert = rng.random() < (0.7 if cycle // 100 % 2 else 0.3)
            kind = "insert" if insert else rng.choice(["pop", "replace"])
            full = sum(map(len, places.pairs[pair])) == 2 * places.capacity
            seen["full"] += full
            # Two cycles between operations, but an insert comes a cycle later than another would.
            valid = wait <= (0 if insert else 1) and not (insert and full) and rng.random() < 0.8
            ctx.set(dut.i_valid, valid)
            if valid:
                if kind == "pop":
                    item, answer = places.item(), places.pop(pair)
                else:
                    item, answer = places.insert(pair) if insert else places.replace(pair)
                stays = insert and rng.random() < 0.5
                taken = {"displaced" if stays else "item": fields(item), "stays": stays}
                unused = {"item" if stays else "displaced": fields(places.item())}
                ctx.set(dut.i, {"insert": insert, "replace": kind == "replace", "pair": pair, **taken, **unused})
                asked, wait = (kind, pair, answer, item), 2 if insert else 3
                seen[kind] += 1
            up, below = (answered[2]["up"], answered[2]["below"]) if answered else (None, None)
            assert ctx.get(comes(dut.up)) == (up is not None), f"cycle {cycle}"
            assert ctx.get(dut.o_valid) == (below is not None), f"cycle {cycle}"
            seen["nothing"] += answered is not None and up is None and below is None
            if up is not None:
                seen["up"] += 1
                assert {name: ctx.get(getattr(dut.up.item, name)) for name in fields(up)} == fields(up)
            if answered and below is not None:
                seen["below"] += 1
                before, at, answer, item = answered
                inserts = before == "insert"
                assert (ctx.get(dut.o.insert), ctx.get(dut.o.replace)) == (inserts, before == "replace")
                assert ctx.get(dut.o.pair) == 2 * at + answer["side"]
                sent = below if inserts else item
                if before != "pop":
                    lower = dut.o.displaced if ctx.get(dut.o.stays) else dut.o.item
                    assert {name: ctx.get(getattr(lower, name)) for name in fields(sent)} == fields(sent)
                # A replacement's item that stays in the place comes from no level below.
                fill = None if inserts or below == item else below
            await ctx.tick()

    bench.process(run)
    bench.run(drain=CYCLES + 20)
    assert seen["up"] > 50
    assert min(seen["nothing"], seen["full"]) > 5
    assert (seen["below"] > 50) == (level < LEVELS - 1)
