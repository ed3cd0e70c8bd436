"""Send, operand and receive ports and the node's memory."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from amaranth.sim import Simulator

from hw.cluster.config import tiny
from hw.cluster.layouts import ItemLayout
from hw.cluster.node_memory import NodeMemory
from hw.cluster.receive_port import ReceivePort
from hw.cluster.send_port import SendPort
from hw.cluster.watchdog import Watchdog

CONFIG = replace(tiny(), receive_depth=3)
SPEC = CONFIG.spec


def item(**fields: int) -> dict:
    """A flit of a turn that waits for nothing."""
    base = dict.fromkeys(ItemLayout(SPEC).members, 0) | {"active": 1}
    base["operation"] = {"format": 1, "kind": 0, "reduce": 0, "header": 0}
    return base | fields


def simulate(dut, bench) -> None:
    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


def test_credits() -> None:
    """Three flits leave on a link with three places; another link is not affected; a credit frees one more."""
    dut = SendPort(config=CONFIG)

    async def bench(ctx) -> None:
        async def offer(link: int) -> bool:
            ctx.set(dut.i.payload, item(link=link))
            ctx.set(dut.i.valid, 1)
            _, _, go, chosen, starved = await ctx.tick().sample(dut.go, dut.link, dut.starved)
            assert chosen == (go << link)
            assert starved == (not go)
            ctx.set(dut.i.valid, 0)
            return bool(go)

        assert [await offer(1) for _ in range(5)] == [True, True, True, False, False]
        assert await offer(0)
        ctx.set(dut.credit, 0b010)
        await ctx.tick()
        ctx.set(dut.credit, 0)
        assert [await offer(1) for _ in range(2)] == [True, False]
        ctx.set(dut.pause, 1)
        ctx.set(dut.i.payload, item(link=2))
        ctx.set(dut.i.valid, 1)
        assert not ctx.get(dut.go)

    simulate(dut, bench)


def test_how_far_a_node_has_sent() -> None:
    """Flits that are read count from 0 in every turn: else the receive side takes a turn's first ones too early."""
    dut = SendPort(config=CONFIG)

    async def bench(ctx) -> None:
        positions = []
        for turn, flits, link in ((0, 3, 0), (1, 1, 1), (2, 2, 1), (63, 2, 2)):
            for k in range(flits):
                ctx.set(dut.i.payload, item(turn=turn, index=k, last=k == flits - 1, link=link))
                ctx.set(dut.i.valid, 1)
                await ctx.tick()
                positions.append((ctx.get(dut.read_turn), ctx.get(dut.read)))
        ctx.set(dut.i.payload, item(turn=0, active=0, last=1))
        await ctx.tick()
        positions.append((ctx.get(dut.read_turn), ctx.get(dut.read)))
        ctx.set(dut.i.valid, 0)
        await ctx.tick()
        assert positions == [(0, 1), (0, 2), (1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (0, 0), (1, 0)]

    simulate(dut, bench)


@pytest.mark.parametrize(
    ("fields", "turn", "written", "goes"),
    [
        ({"wait": 0, "turn": 5}, 0, 0, True),
        ({"wait": 1, "turn": 5}, 5, 0, True),
        ({"wait": 1, "turn": 5}, 4, 9, False),
        ({"wait": 1, "stream": 1, "turn": 5, "need": 3}, 4, 2, False),
        ({"wait": 1, "stream": 1, "turn": 5, "need": 3}, 4, 3, True),
        ({"wait": 1, "stream": 1, "turn": 5, "need": -2}, 4, 0, True),
        ({"wait": 1, "stream": 1, "turn": 5, "need": 3}, 3, 9, False),
        ({"wait": 1, "stream": 1, "turn": 0, "need": 1}, 63, 0, False),
        ({"wait": 1, "stream": 1, "turn": 63, "need": 9}, 0, 0, True),
    ],
)
def test_reads_wait_for_writes(fields: dict, turn: int, written: int, goes: bool) -> None:
    dut = SendPort(config=CONFIG)

    async def bench(ctx) -> None:
        ctx.set(dut.i.payload, item(**fields))
        ctx.set(dut.i.valid, 1)
        ctx.set(dut.written_turn, turn)
        ctx.set(dut.written, written)
        assert ctx.get(dut.go) == goes
        assert ctx.get(dut.blocked) == (not goes)

    simulate(dut, bench)


@pytest.mark.parametrize(
    ("fields", "read_turn", "read", "takes"),
    [
        ({"turn": 3, "index": 4}, 3, 4, False),  # its own flit of that number has not left
        ({"turn": 3, "index": 4}, 3, 5, True),
        ({"turn": 3, "index": 4}, 4, 0, True),
        ({"turn": 3, "index": 0}, 2, 9, False),
        ({"turn": 63, "index": 9}, 0, 0, True),
    ],
)
def test_a_result_does_not_overtake_the_own_flit(fields: dict, read_turn: int, read: int, takes: bool) -> None:
    dut = ReceivePort(config=CONFIG)

    async def bench(ctx) -> None:
        ctx.set(dut.data[1], 77)
        ctx.set(dut.valid, 0b010)
        await ctx.tick()
        ctx.set(dut.valid, 0)
        for _ in range(3):
            await ctx.tick()
        ctx.set(dut.i.payload, item(link=0, **fields))
        ctx.set(dut.i.valid, 1)
        ctx.set(dut.read_turn, read_turn)
        ctx.set(dut.read, read)
        assert ctx.get(dut.waits) == 1  # the flit is on another link
        assert ctx.get(dut.i.ready) == 0
        ctx.set(dut.i.payload, item(link=1, **fields))
        assert ctx.get(dut.i.ready) == takes
        await ctx.tick()
        assert ctx.get(dut.credit) == (0b010 if takes else 0)
        if takes:
            assert ctx.get(dut.o.received) == 77

    simulate(dut, bench)


def test_memory_serves_two_readers(rng: random.Random) -> None:
    """Both get their words 2 cycles later; the second waits only for its bank."""
    dut = NodeMemory(config=CONFIG)
    words = [rng.getrandbits(64) for _ in range(32)]

    async def bench(ctx) -> None:
        for place, word in enumerate(words):
            ctx.set(dut.write, {"enable": 1, "address": place, "data": word})
            await ctx.tick()
        ctx.set(dut.write.enable, 0)
        asked: list[tuple[int | None, int | None]] = []
        for _ in range(300):
            first = rng.randrange(32) if rng.random() < 0.7 else None
            second = rng.randrange(32) if rng.random() < 0.7 else None
            ctx.set(dut.first, {"enable": first is not None, "address": first or 0})
            ctx.set(dut.second, {"enable": second is not None, "address": second or 0})
            granted = ctx.get(dut.granted)
            clash = first is not None and second is not None and first % 2 == second % 2
            assert granted == (second is not None and not clash)
            asked.append((first, second if granted else None))
            await ctx.tick()
            if len(asked) > 1:
                one, two = asked[-2]
                if one is not None:
                    assert ctx.get(dut.first_data) == words[one]
                if two is not None:
                    assert ctx.get(dut.second_data) == words[two]

    simulate(dut, bench)


@pytest.mark.parametrize(
    ("idle", "waits_for", "node"),
    [
        (0, {0: 1, 1: 2, 2: 3}, 3),  # a chain that ends at 3
        (0, {3: 2, 2: 1}, 1),
        (0b0001, {}, 1),  # nobody waits: the lowest that has something to do
        (0b1111, {}, 4),  # all idle: the memory
        (0b0111, {3: 0}, 0),
    ],
)
def test_watchdog_follows_the_waiting(idle: int, waits_for: dict[int, int], node: int) -> None:
    dut = Watchdog(spec=SPEC)

    async def bench(ctx) -> None:
        ctx.set(dut.enable, 1)
        ctx.set(dut.limit, 20)
        ctx.set(dut.idle, idle)
        ctx.set(dut.waits, sum(1 << k for k in waits_for))
        for k, target in waits_for.items():
            ctx.set(dut.waits_for[k], target)
        for cycle in range(60):  # movement every 15 cycles keeps it quiet
            ctx.set(dut.moves, cycle % 15 == 0)
            await ctx.tick()
            assert not ctx.get(dut.expired)
        ctx.set(dut.moves, 0)
        for _ in range(20 + SPEC.nodes + 3):
            await ctx.tick()
        assert ctx.get(dut.expired)
        assert ctx.get(dut.node) == node

    simulate(dut, bench)
