"""State scan: views go through the table one behind the other, and none reads what the one before will change."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from amaranth.lib import data

from golden.lod.memory_map import STATE_BYTES
from hw.lib.fields import pack
from hw.lod.config import tiny
from hw.lod.layouts import state_layout
from hw.lod.state_scan import StateScan
from tests.hw.lib.bench import Bench
from tests.hw.lib.memory_model import MemoryModel

CONFIG = replace(tiny(), memory_width=512)
LANES = CONFIG.word_bytes // STATE_BYTES
TABLE = 1 << 12
CHILDREN = {0: 4, 1: 5, 2: 3, 4: 3, 5: 5, 7: 3, 9: 8, 20: 4, 21: 4}  # of a tree in breadth-first order
FAMILIES = {0: 7, 1: 8, 8: 8, 16: 8}  # each ends with a word, and only its first child has children
NEVER = (1 << 32) - 1
VIEWS = 5


@dataclass
class Tree:
    """The table, what every view does to it, and what the scan has to say of it."""

    bench: Bench
    children: dict[int, int]  # of a subtree, how many
    sparse: bool = False  # only the root is due, and every visit calls its first child alone
    first_child: dict[int, int] = field(default_factory=dict)
    now: list[dict[str, int]] = field(default_factory=list)  # the table in memory
    after: list[list[dict[str, int]]] = field(default_factory=list)  # the table, view by view
    calls: list[dict[int, int]] = field(default_factory=list)  # of every view: subtree and what it is entered with
    visits: list[dict[str, int]] = field(default_factory=list)
    pending: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.count = 1 + sum(self.children.values())
        behind = 1
        for n in range(self.count):
            self.first_child[n] = behind
            behind += self.children.get(n, 0)
        self.now = [self.record(0, n) for n in range(-(-self.count // LANES) * LANES)]
        table = self.now
        for view in range(VIEWS):
            table = self.view(view, table)
            self.after.append(table)

    def record(self, view: int, n: int) -> dict[str, int]:
        bits = self.bench.random.getrandbits
        deadline = 10 * view + bits(6)
        if self.sparse:
            deadline = NEVER if n else 0
        return {"deadline": deadline, "entered": bits(32), "cut": bits(32), "expanded": bits(32)}

    def view(self, view: int, table: list[dict[str, int]]) -> list[dict[str, int]]:
        """Visits in order; what is not in the tree is never due."""
        new, called = list(table), {}
        for n in range(self.count, len(table)):
            table[n]["deadline"] = new[n]["deadline"] = NEVER
        for n in range(self.count):
            if table[n]["deadline"] >= 10 * view + 10 and n not in called:
                continue
            entered = called.get(n, table[n]["entered"])
            self.visits.append({"subtree": n, "entered": entered, "before": table[n]["expanded"], "turn": 0})
            new[n] = self.record(view, n) | {"entered": entered}
            first = self.first_child[n]
            word = self.bench.random.getrandbits(32)
            family = range(first, first + self.children.get(n, 0))
            called |= {c: word for c in family if (c == first if self.sparse else self.bench.stall(0.4))}
        self.calls.append(called)
        for word in range(len(table) // LANES):
            rows = range(LANES * word, LANES * word + LANES)
            mask = sum((new[n] is not table[n]) << lane for lane, n in enumerate(rows))
            if mask:
                old = [table[n] for n in rows]
                self.pending.append({"word": word, "turn": view % 2, "mask": mask, "data": old})
        return new

    def word_at(self, address: int) -> int:
        row = (address - TABLE) // STATE_BYTES
        return pack(data.ArrayLayout(state_layout(), LANES), self.now[row : row + LANES])


class Search:
    """What stands around the scan: visits take their time, and what they change reaches memory later still."""

    def __init__(self, bench: Bench, dut: StateScan, tree: Tree, *, haste: float) -> None:
        self.bench, self.dut, self.tree, self.haste = bench, dut, tree, haste
        self.view = -1
        self.under_way: deque[tuple[int, int]] = deque()  # (view, subtree)
        self.waiting: deque[tuple[int, int]] = deque()  # calls: (subtree, entered) …
        self.seen = False  # … of which the first one can be seen
        self.unsettled: deque[tuple[int, int, int]] = deque()  # pending words: (view, word, mask)
        self.horizon = 0
        bench.process(self.run)

    async def run(self, ctx: Any) -> None:
        ctx.set(self.dut.address, TABLE)
        ctx.set(self.dut.words, len(self.tree.now) // LANES)
        scanning = False
        ahead = 0
        while True:
            start = not scanning and not self.waiting and self.view < VIEWS - 1 and self.bench.stall(self.haste)
            ctx.set(self.dut.start, start)
            self.show(ctx)
            ahead = self.view < VIEWS - 1 and self.view >= 0 and (ahead or self.bench.stall(0.3))
            ctx.set(self.dut.ahead, ahead)
            await self.step(ctx)
            if start:
                self.view, self.horizon, ahead = self.view + 1, 0, 0
                ctx.set(self.dut.turn, self.view % 2)
                ctx.set(self.dut.travelled, 10 * self.view + 10)
            scanning = bool(ctx.get(self.dut.scanning))

    def show(self, ctx: Any) -> None:
        dut = self.dut
        ctx.set(dut.quiet, all(view != self.view for view, _ in self.under_way))
        ctx.set(dut.empty, not self.waiting)
        ctx.set(dut.horizon, self.horizon)
        self.seen = bool(self.waiting) and (self.seen or self.bench.stall(self.haste))
        ctx.set(dut.calls.valid, self.seen)
        if self.waiting:
            ctx.set(dut.calls.payload, dict(zip(("subtree", "entered"), self.waiting[0], strict=True)))
        ctx.set(dut.settled.idle, not self.unsettled)
        ctx.set(dut.settled.valid, bool(self.unsettled))
        if self.unsettled:
            ctx.set(dut.settled.word, self.unsettled[0][1])
            ctx.set(dut.settled.turn, self.unsettled[0][0] % 2)

    async def step(self, ctx: Any) -> None:
        """A cycle: what moves, what retires, what is settled."""
        o, calls, pending = self.dut.o, self.dut.calls, self.dut.pending
        sample = await ctx.tick().sample(
            o.valid & o.ready, o.payload.subtree, calls.valid & calls.ready, pending.valid & pending.ready,
            pending.payload.word, pending.payload.mask, pending.payload.turn,
        )  # fmt: skip
        visit, subtree, call, moved, word, mask, turn = sample[2:]
        if call:
            self.waiting.popleft()
            self.seen = False
        if visit:
            self.under_way.append((self.view, subtree))
        elif self.under_way and self.bench.stall(self.haste):
            self.retire()
        if moved:
            self.unsettled.append((self.view - (turn != self.view % 2), word, mask))
        elif self.unsettled and self.bench.stall(self.haste):
            self.settle()

    def retire(self) -> None:
        view, subtree = self.under_way.popleft()
        if view != self.view:
            return
        first = self.tree.first_child[subtree]
        end = first + self.tree.children.get(subtree, 0)
        called = self.tree.calls[view]
        self.waiting.extend((child, called[child]) for child in range(first, end) if child in called)
        self.horizon = max(self.horizon, end)

    def settle(self) -> None:
        view, word, mask = self.unsettled[0]
        rows = [LANES * word + lane for lane in range(LANES) if mask >> lane & 1]
        if any((view, n) in self.under_way for n in rows):
            return
        for n in rows:
            self.tree.now[n] = self.tree.after[view][n]
        self.unsettled.popleft()


def scan(tree: Tree, dut: StateScan, *, haste: float, latency: int, stall: float) -> None:
    """All views of the tree."""
    bench = tree.bench
    MemoryModel(bench, dut.memory, latency=latency, stall=stall / 2, contents=tree.word_at)
    Search(bench, dut, tree, haste=haste)
    bench.sink(dut.o, tree.visits, stall=stall)
    bench.sink(dut.pending, tree.pending, stall=stall)
    bench.run()


@pytest.mark.parametrize("state_words", [6, 16])  # the second one holds the whole table
@pytest.mark.parametrize(
    ("haste", "latency", "stall"), [(1.0, 1, 0.0), (0.5, 3, 0.2), (0.1, 2, 0.5), (0.05, 30, 0.0), (0.8, 40, 0.3)]
)
def test_views_follow_each_other(haste: float, latency: int, stall: float, state_words: int, seed: int) -> None:
    dut = StateScan(config=replace(CONFIG, state_words=state_words))
    tree = Tree(Bench(dut, seed=seed), CHILDREN)
    scan(tree, dut, haste=haste, latency=latency, stall=stall)
    assert len({v["subtree"] for v in tree.visits}) > tree.count // 2


@pytest.mark.parametrize("haste", [0.5, 0.1])
def test_a_word_is_passed_by_its_own_place(haste: float, seed: int) -> None:
    """A word without visits between the one that called and the one that is called: the last waits for the call."""
    dut = StateScan(config=replace(CONFIG, state_words=16))
    tree = Tree(Bench(dut, seed=seed), FAMILIES, sparse=True)
    scan(tree, dut, haste=haste, latency=1, stall=0.0)
    assert [visit["subtree"] for visit in tree.visits] == [0, 1, 8, 16, 24] * VIEWS
