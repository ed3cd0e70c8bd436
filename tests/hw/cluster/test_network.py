"""All nodes together in Amaranth's simulator, with random pauses, against the model."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import numpy as np
import pytest
import torch
from amaranth.sim import Simulator

from golden.cluster.command import Command
from golden.cluster.model import Cluster
from golden.cluster.spec import SCHEDULES, ElementType, Kind, Op, Schedule, Spec
from hw.cluster.config import Config
from hw.cluster.layouts import command_layout
from hw.cluster.network import Network

WORDS = 64  # flits of a node's memory that are used


def program(nodes: int) -> list[Command]:
    """Every operation and schedule at its smallest, each on the results of those before."""
    return [
        Command(
            op=op, schedule=schedule, format=form, kind=kind, flits=1 if op == Op.GATHER else nodes, target=target,
            root=nodes - 1,
        )
        for op, target in ((Op.REDUCE, 16), (Op.GATHER, 0), (Op.REDUCE_SCATTER, 32), (Op.BROADCAST, 8), (Op.BARRIER, 0))
        for schedule in SCHEDULES[op]
        for form, kind in ((ElementType.SINGLE, Kind.SUM),)
    ] + [Command(op=Op.REDUCE, schedule=Schedule.XOR, kind=Kind.MERGE, record=2, flits=4, target=48)]  # fmt: skip


@pytest.mark.parametrize(
    ("nodes", "pause", "serial"),
    [(2, 0.0, 0), (2, 0.5, 0), (2, 0.5, 1), pytest.param(8, 0.3, 0, marks=pytest.mark.slow)],
)
def test_program(nodes: int, pause: float, serial: int, rng, seed: int) -> None:
    spec = Spec(nodes=nodes, link_width=64, memory_kib=1, compute=0)
    config = replace(Config(spec=spec), receive_depth=4, operand_depth=4, command_depth=2, serial=serial)
    network = Network(config=config)
    model = Cluster(spec)
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn((nodes, WORDS, 2), generator=generator)
    model.memory[:, :WORDS] = torch.from_numpy(values.numpy().view("<u4").astype(np.int64))
    before = model.memory.clone()
    model.run(program(nodes), np.zeros(0, np.uint8))
    got = torch.zeros((nodes, WORDS, 2), dtype=torch.int64)

    async def pauses(ctx) -> None:
        for cycle in count():
            if serial:
                ctx.set(network.phase, cycle % config.interval)
            ctx.set(network.pause, sum((rng.random() < pause) << k for k in range(nodes)))
            await ctx.tick()

    async def bench(ctx) -> None:
        for place in range(WORDS):
            flits = sum((low | high << 32) << 64 * node for node, (low, high) in enumerate(before[:, place].tolist()))
            ctx.set(network.host.address, place)
            ctx.set(network.host.data, flits)
            ctx.set(network.host.write, (1 << nodes) - 1)
            await ctx.tick()
        ctx.set(network.host.write, 0)
        for command in program(nodes):
            ctx.set(network.i.payload, {name: int(getattr(command, name, 0)) for name in command_layout().members})
            ctx.set(network.i.valid, 1)
            taken = False
            while not taken:
                _, _, taken = await ctx.tick().sample(network.i.ready)
            ctx.set(network.i.valid, 0)
        for _ in range(20_000):
            if ctx.get(network.idle) == (1 << nodes) - 1:
                break
            await ctx.tick()
        ctx.set(network.host.read, 1)
        for place in range(WORDS):
            ctx.set(network.host.address, place)
            await ctx.tick().repeat(3)
            flits = ctx.get(network.host_data)
            got[:, place] = torch.tensor(
                [[flits >> 64 * k + 32 * w & 0xFFFFFFFF for w in (0, 1)] for k in range(nodes)]
            )

    simulator = Simulator(network)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.add_testbench(pauses, background=True)
    simulator.run()
    assert torch.equal(got, model.memory[:, :WORDS])
