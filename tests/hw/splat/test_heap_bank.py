"""Heap bank and its levels: a priority queue at one operation every other cycle."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from golden.splat.spec import TINY
from hw.splat.heap_bank import HeapBank
from hw.splat.heap_item import GROUP_BITS
from tests.hw.lib.bench import Bench

Item = tuple[int, int, int, int]  # group, depth, rank, slot: as they are compared
GROUPS = 1 << GROUP_BITS
Fields = ("group", "depth", "rank", "slot")


def scattered(number: int) -> int:
    """A rank for each number, no two the same, rising and falling: its bits from the lowest to the highest."""
    return int(f"{number:025b}"[::-1], 2)


class Driver:
    """Inserts and pops at random, at times both at once, and compares the root with a sorted list in every cycle."""

    def __init__(self, bench: Bench, *, levels: int, spread: int) -> None:
        self.dut: Any = bench.dut
        self.rng: Random = bench.random
        self.capacity, self.spread = (1 << levels) - 1, spread
        self.inside: list[Item] = []
        self.group = 0  # of the group being drained
        self.made = 0
        self.popped = self.replaced = self.most = 0

    def item(self) -> Item:
        """A new one, of this group or of one of the three after it."""
        self.made += 1
        group = (self.group + self.rng.choice([0] * 7 + [1, 2, 3])) % GROUPS
        return group, self.rng.randrange(self.spread), scattered(self.made), self.rng.randrange(self.capacity + 1)

    def order(self, item: Item) -> Item:
        return (item[0] - self.group) % GROUPS, *item[1:]

    async def step(self, ctx: Any, insert: Item | None, pop: bool) -> bool:
        """One cycle; returns whether the item was taken."""
        dut = self.dut
        ctx.set(dut.i.valid, insert is not None)
        if insert is not None:
            ctx.set(dut.i.payload, dict(zip(Fields, insert, strict=True)))
        occupied, full, poppable = ctx.get(dut.occupied), ctx.get(dut.full), ctx.get(dut.poppable)
        assert occupied == bool(self.inside)
        assert full == (len(self.inside) == self.capacity)
        assert not (poppable and not occupied)
        if poppable:  # the root may change in the cycle after an operation
            root = tuple(ctx.get(getattr(dut.root, name)) for name in Fields)
            assert self.order(root) == self.order(self.inside[0]), f"root {root}, nearest {self.inside[0]}"
        pops = pop and poppable
        ctx.set(dut.pop, pops)
        _, _, taken = await ctx.tick().sample(dut.i.valid & dut.i.ready)
        if pops:
            self.inside.pop(0)
            self.popped += 1
            self.replaced += bool(taken)
        if taken and insert is not None:
            self.inside = sorted([*self.inside, insert], key=self.order)
        self.most = max(self.most, len(self.inside))
        if not any(item[0] == self.group for item in self.inside) and self.rng.random() < 0.1:
            self.group = (self.group + 1) % GROUPS
            self.inside.sort(key=self.order)
            ctx.set(dut.group, self.group)
        return bool(taken)


@pytest.mark.parametrize("levels", [3, 4, 6])
@pytest.mark.parametrize("spread", [3, 1 << 20])
def test_the_root_is_the_nearest(levels: int, spread: int, seed: int) -> None:
    """Rising, full, falling, empty: root, count and flags are those of a sorted list, at any pace, over four groups."""
    dut = HeapBank(spec=replace(TINY, sort_levels=levels))
    bench = Bench(dut, seed=seed)
    driver = Driver(bench, levels=levels, spread=spread)
    rng = driver.rng

    async def run(ctx: Any) -> None:
        waiting: Item | None = None
        for _ in range(9):
            inserting, popping = rng.choice([(1.0, 0.1), (0.2, 1.0), (0.5, 0.5), (1.0, 1.0), (1.0, 0.0), (0.0, 0.7)])
            for _ in range(5 * driver.capacity + 40):
                if waiting is None and rng.random() < inserting:
                    waiting = driver.item()
                if await driver.step(ctx, waiting, rng.random() < popping):
                    waiting = None
        while driver.inside or waiting is not None:
            if await driver.step(ctx, waiting, True):
                waiting = None

    bench.process(run)
    bench.run(drain=9 * (5 * driver.capacity + 40) + 4 * driver.capacity)
    assert not driver.inside
    assert driver.most == driver.capacity
    assert driver.popped > 2 * driver.capacity
    assert driver.replaced > driver.capacity // 2


def test_an_operation_every_other_cycle() -> None:
    """Filled in 2 cycles an item once it is clear, emptied at the same pace."""
    levels = 5
    dut = HeapBank(spec=replace(TINY, sort_levels=levels))
    bench = Bench(dut)
    driver = Driver(bench, levels=levels, spread=1 << 12)

    async def run(ctx: Any) -> None:
        cycles = 0
        while len(driver.inside) < driver.capacity:
            waiting = (0, driver.rng.randrange(1 << 12), cycles, 0)
            while not await driver.step(ctx, waiting, False):
                cycles += 1
            cycles += 1
        assert cycles <= (1 << (levels - 2)) + 2 * driver.capacity
        start = cycles
        while driver.inside:
            await driver.step(ctx, None, True)
            cycles += 1
        assert cycles - start <= 2 * driver.capacity

    bench.process(run)
    bench.run(drain=5 * driver.capacity)
    assert driver.popped == driver.capacity
