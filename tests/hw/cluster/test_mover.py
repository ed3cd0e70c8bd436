"""LOAD and STORE between external memory and the nodes' memories."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import numpy as np
import pytest

from golden.cluster.command import Command
from golden.cluster.memory_map import COMMAND
from golden.cluster.model import Cluster
from golden.cluster.spec import Move, Op, Spec
from hw.cluster.config import Config
from hw.cluster.mover import READ_LATENCY, Mover
from tests.hw.lib.bench import Bench
from tests.hw.lib.memory_model import MemoryModel

SPEC = Spec(nodes=4, link_width=64, memory_kib=1, compute=0)
WORD = SPEC.external_bytes
WORDS = 96  # of external memory


class Memories:
    """The nodes' memories behind `host`, and external memory behind the ports; both as they are written."""

    def __init__(self, bench: Bench, model: Cluster, external: np.ndarray, stall: float) -> None:
        self.bench, self.dut = bench, bench.dut
        self.nodes = np.ascontiguousarray(model.memory.numpy().astype("<u4")).view("<u8")[:, :, 0]  # [N, flits]
        self.external = bytearray(external.tobytes())
        self.moved = 0
        self.stall = stall
        MemoryModel(bench, self.dut.memory, latency=7, stall=stall, contents=self._word)
        bench.process(self._host)
        bench.process(self._write)

    def _word(self, address: int) -> int:
        return int.from_bytes(self.external[address : address + WORD], "little")

    async def _host(self, ctx: Any) -> None:
        host, nodes = self.dut.host, range(SPEC.nodes)
        words: deque[int] = deque([0] * (READ_LATENCY - 1))
        while True:
            _, _, access, moved = await ctx.tick().sample(host, self.dut.moved)
            places = [(access.address + k * access.stride) % SPEC.words for k in nodes]
            assert moved == bool(access.read or access.write)
            self.moved += moved
            for k in nodes:
                if access.write >> k & 1:
                    self.nodes[k, places[k]] = access.data >> 64 * k & (1 << 64) - 1
            flits = [int(self.nodes[k, places[k]]) << 64 * k for k in nodes]
            # What nobody asked for is noise.
            words.append(sum(flits) if access.read else self.bench.random.getrandbits(8 * WORD))
            ctx.set(self.dut.word, words.popleft())

    async def _write(self, ctx: Any) -> None:
        request = self.dut.out.request
        while True:
            ready = not self.bench.stall(self.stall)
            ctx.set(request.ready, ready)
            _, _, valid, word = await ctx.tick().sample(request.valid, request.payload)
            if valid and ready:
                assert word.address % WORD == 0
                self.external[word.address : word.address + WORD] = word.data.to_bytes(WORD, "little")


def command(rng: random.Random) -> Command:
    """Any move that stays within both memories, some as short as a word, some longer than a burst."""
    op, flits = rng.choice([Op.LOAD, Op.STORE]), rng.choice([1, 2, 17, 40])
    kind = rng.choice([Move.STRIPED, Move.BROADCAST]) if op == Op.LOAD else Move.STRIPED
    return Command(
        op=op, kind=kind, flits=flits, source=rng.randrange(20), target=rng.randrange(20),
        rank_stride=rng.choice([0, 1, flits]) if flits < 20 else rng.randrange(10),
        external=rng.randrange(WORDS - flits + 1) * WORD,
    )  # fmt: skip


def run(commands: list[Command], rng: random.Random, stall: float) -> tuple[Memories, list[int]]:
    """Executes the commands and compares all memories with the model's; returns when the commands ended."""
    dut = Mover(config=Config(spec=SPEC, read_words=32))
    bench = Bench(dut, seed=rng.getrandbits(32), deadline=30_000)
    model = Cluster(SPEC)
    generator = np.random.default_rng(rng.getrandbits(32))
    model.memory.numpy()[:] = generator.integers(0, 1 << 32, model.memory.shape)
    external = generator.integers(0, 256, WORDS * WORD).astype(np.uint8)
    memories = Memories(bench, model, external, stall)
    log = bench.source(dut.i, [{f.name: int(getattr(c, f.name)) for f in COMMAND} for c in commands], stall=stall)
    model.run(commands, external)
    bench.run()
    assert bytes(memories.external) == external.tobytes()
    expected = np.ascontiguousarray(model.memory.numpy().astype("<u4")).view("<u8")[:, :, 0]
    for number, (got, want) in enumerate(zip(memories.nodes, expected, strict=True)):
        assert got.tolist() == want.tolist(), f"node {number}"
    return memories, log.cycles


@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_every_move(stall: float, rng: random.Random) -> None:
    """A command finds what the ones before it have left: it is taken only when all its words have arrived."""
    run([command(rng) for _ in range(30)], rng, stall)


@pytest.mark.parametrize(
    ("fields", "cycles"),
    [({"op": Op.LOAD}, 1), ({"op": Op.STORE}, 1), ({"op": Op.LOAD, "kind": Move.BROADCAST}, SPEC.nodes)],
)
def test_a_word_a_cycle(fields: dict[str, Any], cycles: int, rng: random.Random) -> None:
    """Without stalls a word moves every cycle; a broadcast takes one for each lane."""
    memories, ends = run([Command(flits=40, **fields)], rng, 0.0)
    assert memories.moved == 40 * cycles
    assert ends[0] < 40 * cycles + 25
