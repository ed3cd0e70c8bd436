"""Commands that are handed out, from memory words of less, as much, and more than a command."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from golden.cluster.command import Command
from golden.cluster.memory_image import program_bytes
from golden.cluster.memory_map import COMMAND
from golden.cluster.spec import COMPUTE, MOVES, Op, Spec
from hw.cluster.command_issuer import CommandIssuer
from hw.cluster.config import Config
from tests.hw.lib.bench import Bench
from tests.hw.lib.byte_memory import ByteMemory

WORDS = pytest.mark.parametrize(("nodes", "width"), [(2, 64), (4, 64), (4, 128), (8, 256)])  # 16 to 256 B


def commands(spec: Spec, number: int, rng: random.Random) -> list[Command]:
    return [
        Command(
            op=rng.choice([Op.REDUCE, Op.LOAD, Op.STORE, Op.SCORE, Op.TURN]), flits=rng.randrange(1, 100),
            source=rng.randrange(100), external=rng.randrange(1 << 20) * spec.external_bytes, scale=rng.getrandbits(32),
        )
        for _ in range(number)
    ]  # fmt: skip


def fields(command: Command) -> dict[str, int]:
    return {f.name: int(getattr(command, f.name)) for f in COMMAND}


def play(spec: Spec, programs: list[list[Command]], good: list[Command], rng: random.Random) -> list[tuple[int, int]]:
    """Runs the programs one after the other; `good` must be handed out. Returns `refused` and `number` of each."""
    dut = CommandIssuer(config=Config(spec=spec))
    bench = Bench(dut, seed=rng.getrandbits(32))
    images = [program_bytes(each, spec) for each in programs]
    starts, content = [], b""
    for image in images:
        padded = image.tobytes() + bytes(-len(image) % spec.external_bytes)
        command_address = len(content) + int.from_bytes(padded[4:8], "little")
        starts.append(len(content))
        content += padded[:4] + command_address.to_bytes(4, "little") + padded[8:]
    ByteMemory(bench, dut.memory, content, latency=9, stall=0.3)
    moves = [fields(c) for c in good if c.op in MOVES]
    fed = [c for c in good if c.op in COMPUTE]
    bench.sink(dut.collective, [fields(c) for c in good if c.op == Op.REDUCE], stall=0.3)
    bench.sink(dut.move, moves, stall=0.3)
    bench.sink(dut.feed, [fields(c) for c in fed], stall=0.3)
    bench.sink(dut.ahead, [fields(c) for c in fed if c.op != Op.TURN], stall=0.3)
    ends: list[tuple[int, int]] = []

    async def start(ctx: Any) -> None:
        ctx.set(dut.idle, 1)
        for address in starts:
            ctx.set(dut.address, address + rng.randrange(spec.external_bytes))  # the low bits are ignored
            ctx.set(dut.start, 1)
            await ctx.tick()
            ctx.set(dut.start, 0)
            while ctx.get(dut.busy):
                await ctx.tick()
            ends.append((ctx.get(dut.refused), ctx.get(dut.number)))

    bench.process(start)
    bench.run(drain=100)
    return ends


@WORDS
@pytest.mark.parametrize("number", [1, 11])
def test_every_command_in_order(nodes: int, width: int, number: int, rng: random.Random) -> None:
    """Two programs, one behind the other: nothing of the first is left over."""
    spec = Spec(nodes=nodes, link_width=width)
    programs = [commands(spec, number, rng), commands(spec, 5, rng)]
    assert play(spec, programs, programs[0] + programs[1], rng) == [(0, number), (0, 5)]


@pytest.mark.parametrize(("nodes", "width"), [(2, 64), (4, 128)])
@pytest.mark.parametrize("change", [{"op": Op.LOAD, "kind": 4}, {"op": Op.STORE, "kind": 1}])
def test_refused(nodes: int, width: int, change: dict[str, int], rng: random.Random) -> None:
    """The commands before are handed out, those behind are thrown away, and the next program runs."""
    spec = Spec(nodes=nodes, link_width=width)
    bad, good = commands(spec, 19, rng), commands(spec, 5, rng)
    bad[6] = replace(bad[6], **change)
    assert play(spec, [bad, good], bad[:6] + good, rng) == [(1, 6), (0, 5)]
