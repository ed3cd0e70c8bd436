"""Node buffer: every node comes with its subtree's frame, whatever is loaded into the other contexts."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from amaranth.hdl import Fragment, Value
from amaranth.sim import Simulator

from hw.lib.fields import pack, unpack_nested
from hw.lod.config import Config, default, tiny
from hw.lod.layouts import WordLayout
from hw.lod.node_buffer import NodeBuffer
from tests.hw.lod.workload import Workload, workload

CONFIGS = {
    "tiny": tiny(),
    "default": replace(default(), contexts=4),
    "widest": replace(default(), contexts=4, memory_width=1024),
    "narrow": replace(default(), contexts=4, memory_width=128),
}
LOADS = 40


class Contexts:
    """Loads one context after the other and asks for nodes of those that are loaded."""

    def __init__(self, dut: NodeBuffer, work: Workload, rng: random.Random) -> None:
        self.dut, self.work, self.rng, self.config = dut, work, rng, work.config
        self.held: dict[int, dict[str, Any]] = {}  # by context: what is asked for
        self.expected: list[dict[str, Any] | None] = [None] * dut.latency  # of every cycle: its answer
        self.got: list[dict[str, Any]] = []

    async def run(self, ctx: Any) -> None:
        for number in range(LOADS):
            context = number % self.config.contexts
            self.held.pop(context, None)
            await self.cycle(ctx)  # the last node that was asked for is read
            visit = {
                "subtree": self.rng.randrange(len(self.work.image.sltree)),
                **{name: self.rng.getrandbits(32) for name in ("entered", "before")}, "turn": self.rng.randrange(2),
            }  # fmt: skip
            words = self.work.words(visit["subtree"])
            for row, word in enumerate(words):
                load = {"visit": visit, "ticket": 0, "unit": 0, "context": context}
                value = {"load": load, "row": row, "last": row == len(words) - 1, "data": word}
                ctx.set(Value.cast(self.dut.word), pack(WordLayout(self.config), value) << 1 | 1)
                await self.cycle(ctx)
                while self.rng.random() < 0.3:
                    await self.cycle(ctx)
            header, nodes = self.work.nodes(visit["subtree"])
            todo = self.rng.getrandbits(32)
            ctx.set(self.dut.begin, {"valid": 1, "context": context, "last": len(nodes) - 1, "todo": todo, "first": 0})
            await self.cycle(ctx)
            self.held[context] = {"header": header, "nodes": nodes, "todo": todo, **visit}
        for _ in range(self.dut.latency):
            await self.cycle(ctx)

    async def cycle(self, ctx: Any) -> None:
        """Asks for a node or for none, and compares the answer to what was asked before."""
        dut, answer = self.dut, None
        if self.held and self.rng.random() < 0.8:
            context = self.rng.choice(list(self.held))
            held = self.held[context]
            index = self.rng.randrange(len(held["nodes"]))
            ctx.set(dut.ask, {"valid": 1, "context": context, "index": index})
            answer = {name: held[name] for name in ("header", "entered", "before", "todo", "turn")}
            answer |= {"context": context, "index": index, "node": held["nodes"][index]}
        self.expected.append(answer)
        bits = (await ctx.tick().sample(Value.cast(dut.o)))[2]
        wanted = self.expected.pop(0)
        if wanted is not None:
            self.got.append(unpack_nested(bits, dut.o.shape()))
            assert self.got[-1] == wanted
        ctx.set(dut.ask.valid, 0)
        ctx.set(dut.begin.valid, 0)
        ctx.set(Value.cast(dut.word), self.rng.getrandbits(len(Value.cast(dut.word))) & ~1)


@pytest.mark.parametrize("name", CONFIGS)
def test_nodes_with_their_frames(name: str, seed: int) -> None:
    config: Config = CONFIGS[name]
    dut = NodeBuffer(config=config)
    contexts = Contexts(dut, workload(8.0, config), random.Random(seed))
    simulator = Simulator(Fragment.get(dut, "formal"))  # so that a row that is written while it is read is a failure
    simulator.add_clock(1e-6)
    simulator.add_testbench(contexts.run)
    simulator.run()
    assert len(contexts.got) > LOADS
    assert len({answer["context"] for answer in contexts.got}) == config.contexts
