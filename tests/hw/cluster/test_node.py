"""A node that is its own peer: what it sends arrives at its own receive buffers, as if all nodes were equal."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from amaranth.sim import Simulator

from golden.cluster.command import Command
from golden.cluster.model import Cluster
from golden.cluster.spec import ElementType, Kind, Op, Schedule, Spec
from golden.cluster.turns import traffic, turns
from hw.cluster.config import Config
from hw.cluster.layouts import command_layout
from hw.cluster.node import Node
from tests.hw.cluster.numbers import joined, parted

SPEC = Spec(nodes=4, link_width=64, memory_kib=1, compute=0)
CONFIG = replace(Config(spec=SPEC), receive_depth=4, operand_depth=4, command_depth=2)
PAIR = replace(CONFIG, spec=replace(SPEC, nodes=2))  # every collective is a single turn
#: One for each way through the node; equal nodes get equal results, so the memories stay equal.
PROGRAM = [
    Command(op=Op.REDUCE, kind=Kind.SUM, flits=6, source=0, target=16),
    Command(op=Op.REDUCE, format=ElementType.MIXED, flits=6, source=16, target=24),
    Command(op=Op.REDUCE, kind=Kind.MERGE, record=2, flits=4, source=24, target=32),
    Command(op=Op.REDUCE, schedule=Schedule.ROTATE, kind=Kind.MAX, flits=1, source=32, target=40),
    Command(op=Op.BARRIER),
    Command(op=Op.REDUCE, format=ElementType.HALF, kind=Kind.MIN, flits=8, source=40, target=48),
    Command(op=Op.REDUCE, format=ElementType.INTEGER, flits=8, source=48, target=56),
]


class Loop:
    """Drives a node whose links lead back to itself, as early as the exchange network would."""

    def __init__(self, rank: int, memory: list[int], rng: random.Random, pause: float) -> None:
        self.dut, self.rank, self.rng, self.pause = Node(config=CONFIG), rank, rng, pause
        self.memory = memory
        self.sent = self.taken = 0

    async def _links(self, ctx: Any) -> None:
        dut = self.dut
        while True:
            ctx.set(dut.pause, self.rng.random() < self.pause)
            _, _, flit, link, credit, events = await ctx.tick().sample(
                dut.sent, dut.sent_link, dut.credit_out, dut.events
            )
            ctx.set(dut.valid, link)
            ctx.set(dut.credit_in, credit)
            for data in dut.data:
                ctx.set(data, flit)
            assert not events.lost
            self.sent += events.sent
            self.taken += events.taken

    async def _program(self, ctx: Any) -> None:
        dut = self.dut
        ctx.set(dut.rank, self.rank)
        ctx.set(dut.host.stride, 3)  # the node's part lies at rank · stride
        await ctx.tick()
        own = self.rank * 3
        for place, flit in enumerate(self.memory):
            ctx.set(dut.host.address, (place - own) % SPEC.words)
            ctx.set(dut.host.data, flit)
            ctx.set(dut.host.write, 1)
            await ctx.tick()
        ctx.set(dut.host.write, 0)
        await ctx.tick()
        for command in PROGRAM:
            ctx.set(dut.i.payload, {name: int(getattr(command, name, 0)) for name in command_layout().members})
            ctx.set(dut.i.valid, 1)
            taken = False
            while not taken:
                _, _, taken = await ctx.tick().sample(dut.i.ready)
            ctx.set(dut.i.valid, 0)
        for _ in range(5000):
            if ctx.get(dut.idle):
                break
            await ctx.tick()
        assert ctx.get(dut.idle), "the node does not come to its end"
        ctx.set(dut.host.read, 1)
        self.result = []
        for place in range(len(self.memory)):
            ctx.set(dut.host.address, (place - own) % SPEC.words)
            for _ in range(3):
                await ctx.tick()
            self.result.append(ctx.get(dut.host_data))
        self.turn = ctx.get(dut.turn)

    def run(self) -> None:
        simulator = Simulator(self.dut)
        simulator.add_clock(1e-6)
        simulator.add_testbench(self._program)
        simulator.add_testbench(self._links, background=True)
        simulator.run()


@pytest.mark.parametrize(("rank", "pause"), [(0, 0.0), (3, 0.5)])
def test_every_path_through_a_node(rank: int, pause: float, rng: random.Random) -> None:
    """Equals a node of four with the same memories; every flit that leaves is taken, and every turn ends."""
    numbers = np.random.default_rng(rng.getrandbits(32)).standard_normal((64, 2)).astype(np.float32)
    model = Cluster(SPEC)
    model.memory[:, :64] = torch.from_numpy(numbers.view("<u4").astype(np.int64))
    loop = Loop(rank, [joined(flit, 32) for flit in model.memory[0, :64].tolist()], rng, pause)
    model.run(PROGRAM, np.zeros(0, np.uint8))
    loop.run()
    got = [parted(flit, 32, 2) for flit in loop.result]
    for place, (flit, expected) in enumerate(zip(got, model.memory[rank, :64].tolist(), strict=True)):
        assert flit == expected, f"flit {place}"
    assert loop.sent == loop.taken == sum(traffic(command, SPEC) for command in PROGRAM) // SPEC.nodes
    assert loop.turn == sum(len(turns(command, rank, SPEC)) for command in PROGRAM) % 64


def test_a_fast_peer_overwrites_nothing(rng: random.Random) -> None:
    """The peer's flits are all there while the node lacks credits: what it has not sent yet stays as it was."""
    dut, flits = Node(config=PAIR), 8
    memory = [rng.getrandbits(64) for _ in range(flits)]
    sent: list[int] = []

    async def bench(ctx: Any) -> None:
        ctx.set(dut.host.write, 1)
        for place, flit in enumerate(memory):
            ctx.set(dut.host.address, place)
            ctx.set(dut.host.data, flit)
            await ctx.tick()
        ctx.set(dut.host.write, 0)
        command = Command(op=Op.REDUCE, format=ElementType.INTEGER, flits=flits)
        ctx.set(dut.i.payload, {name: int(getattr(command, name, 0)) for name in command_layout().members})
        ctx.set(dut.i.valid, 1)
        room, arrived = PAIR.receive_depth, 0
        for cycle in range(120):
            arrives = room > 0 and arrived < flits
            ctx.set(dut.data[0], 1)
            ctx.set(dut.valid, int(arrives))
            ctx.set(dut.credit_in, int(60 <= cycle < 60 + flits - PAIR.receive_depth))
            _, _, flit, link, credit = await ctx.tick().sample(dut.sent, dut.sent_link, dut.credit_out)
            ctx.set(dut.i.valid, 0)
            room, arrived = room - arrives + (credit & 1), arrived + arrives
            if link:
                sent.append(flit)
            assert len(sent) <= PAIR.receive_depth or cycle > 60
        assert ctx.get(dut.idle)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert sent == memory


def test_a_missing_flit_is_waited_for() -> None:
    """With links that carry nothing the node says that it waits, and for whom."""
    dut = Node(config=PAIR)

    async def bench(ctx: Any) -> None:
        ctx.set(dut.rank, 1)
        command = Command(op=Op.REDUCE, flits=2, target=16)
        ctx.set(dut.i.payload, {name: int(getattr(command, name, 0)) for name in command_layout().members})
        ctx.set(dut.i.valid, 1)
        await ctx.tick()
        ctx.set(dut.i.valid, 0)
        for _ in range(40):
            await ctx.tick()
        assert (ctx.get(dut.waits), ctx.get(dut.waits_for), ctx.get(dut.idle)) == (1, 0, 0)
        assert ctx.get(dut.events.receive_wait)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
