"""Operands read from a node's memory: in order, not before they are written, and not more than there is room for."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
import torch
from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from golden.cluster.combine import widen_flits
from hw.cluster.config import Config, tiny
from hw.cluster.layouts import INDEX, TURN, ItemLayout
from hw.cluster.node_memory import NodeMemory
from hw.cluster.operand_port import OperandPort
from tests.hw.cluster.numbers import joined, parted
from tests.hw.lib.bench import Bench

CONFIG = tiny()
FLITS = 40


class Reading(wiring.Component):
    """An operand port at its memory, whose first reader is the bench."""

    def __init__(self, config: Config) -> None:
        self.port, self.memory = OperandPort(config=config), NodeMemory(config=config)
        width = config.spec.link_width
        super().__init__(
            {
                "i": In(stream.Signature(ItemLayout(config.spec))),
                "o": Out(stream.Signature(width)),
                "written_turn": In(TURN),
                "written": In(INDEX),
                "first": In(self.memory.first.shape()),
                "write": In(self.memory.write.shape()),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.port, m.submodules.memory = port, memory = self.port, self.memory
        wiring.connect(m, wiring.flipped(self.i), port.i)
        wiring.connect(m, port.o, wiring.flipped(self.o))
        m.d.comb += [
            port.written_turn.eq(self.written_turn),
            port.written.eq(self.written),
            memory.first.eq(self.first),
            memory.write.eq(self.write),
            memory.second.enable.eq(port.enable),
            memory.second.address.eq(port.i.payload.address),
            port.granted.eq(memory.granted),
            port.data.eq(memory.second_data),
        ]
        return m


def item(**fields: int) -> dict[str, Any]:
    base = dict.fromkeys(ItemLayout(CONFIG.spec).members, 0) | {"active": 1}
    return base | {"operation": {"format": 1, "kind": 0, "reduce": 1, "header": 0}} | fields


@pytest.mark.parametrize("depth", [4, 8])
@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_operands_follow_what_is_written(depth: int, stall: float, rng: random.Random) -> None:
    """Turn 1 reads flit by flit what turn 0 is writing; words that are read too early are still 0."""
    words = [rng.getrandbits(64) for _ in range(FLITS)]
    modes = [(rng.getrandbits(1), rng.getrandbits(1)) for _ in words]  # widened, which half
    items, wanted = [], []
    for k, ((wide, half), word) in enumerate(zip(modes, words, strict=True)):
        if rng.random() < 0.1:
            items.append(item(active=0, turn=1))
        fields = {"turn": 1, "index": k, "need": k + 1, "wait": 1, "stream": 1}
        items.append(item(address=k, widen=wide, half=half, **fields))
        halves = widen_flits(torch.tensor([parted(word, 32, 2)]))[half].tolist()
        wanted.append(joined(halves, 32) if wide else word)
    bench = Bench(Reading(replace(CONFIG, operand_depth=depth)), seed=rng.getrandbits(32))
    dut = bench.dut
    bench.source(dut.i, items, stall=stall)
    bench.sink(dut.o, wanted, stall=stall)

    async def write(ctx: Any) -> None:
        for k, word in enumerate(words):
            while rng.random() < stall:
                await ctx.tick()
            ctx.set(dut.write, {"enable": 1, "address": k, "data": word})
            await ctx.tick()
            ctx.set(dut.write.enable, 0)
            ctx.set(dut.written, k + 1)

    async def read(ctx: Any) -> None:
        while True:  # the other reader stays behind what is written
            ctx.set(dut.first, {"enable": rng.random() < 0.4, "address": FLITS + rng.randrange(8)})
            await ctx.tick()

    bench.process(write)
    bench.process(read)
    bench.run()


def test_as_many_ahead_as_the_queue_has_places(rng: random.Random) -> None:
    """With nobody to take them eight operands are read, and each that is taken lets one more follow."""
    bench = Bench(OperandPort(config=CONFIG), seed=rng.getrandbits(32))
    dut = bench.dut
    bench.source(dut.i, [item(address=k, turn=5) for k in range(20)])
    reads: list[int] = []
    counts: list[int] = []

    async def memory(ctx: Any) -> None:
        while True:
            granted = ctx.get(dut.enable)
            ctx.set(dut.granted, granted)
            await ctx.tick()
            reads.append(granted)

    async def take(ctx: Any) -> None:
        for ready in (0, 1, 1, 1):
            ctx.set(dut.o.ready, ready)
            await ctx.tick()
            ctx.set(dut.o.ready, 0)
            for _ in range(30):
                await ctx.tick()
            counts.append(sum(reads))
        ctx.set(dut.o.ready, 1)

    bench.process(take)
    bench.process(memory)
    bench.run()
    depth = CONFIG.operand_depth
    assert counts == [depth, depth + 1, depth + 2, depth + 3]


def test_a_flit_a_cycle() -> None:
    """With the memory for itself the port reads without a pause, from request to operand 5 cycles."""
    bench = Bench(Reading(CONFIG))
    log = bench.source(bench.dut.i, [item(address=k, turn=5) for k in range(FLITS)])
    operands = bench.sink(bench.dut.o, FLITS)
    bench.run()
    assert log.cycles == list(range(log.cycles[0], log.cycles[0] + FLITS))
    assert [after - before for before, after in zip(log.cycles, operands.cycles, strict=True)] == [5] * FLITS
