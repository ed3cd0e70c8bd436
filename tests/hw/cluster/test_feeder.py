"""The feeder's beats, command by command, over a memory that stalls."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from golden.cluster.beats import beats, stream_beats
from golden.cluster.command import Command
from golden.cluster.memory_map import COMMAND
from golden.cluster.spec import INDEPENDENT, Move, Op, Spec, Turned, Weighed
from hw.cluster.config import Config
from hw.cluster.feeder import Feeder
from hw.cluster.layouts import Beat
from tests.hw.lib.bench import Bench
from tests.hw.lib.memory_model import MemoryModel, word_at

INT8 = Spec(nodes=2, link_width=64, memory_kib=4, inputs=256)
SPECS = {"int8": INT8, "int4": replace(INT8, weight_bits=4)}


def random_command(rng: random.Random, spec: Spec) -> Command:
    address = rng.randrange(1 << 16) * spec.external_bytes
    common = {
        "external": address,
        "target": rng.randrange(20),
        "source": rng.randrange(1, 20),
        "flags": rng.randrange(4),
    }
    op = rng.choice([Op.LOAD, Op.GEMV, Op.SCORE, Op.WEIGH, Op.TURN])
    if op == Op.LOAD:
        return Command(op=op, kind=rng.choice([Move.ACTIVATIONS, Move.CONSTANTS]), flits=rng.randrange(1, 9), **common)
    if op == Op.GEMV:
        return Command(op=op, record=rng.choice([4, 8]), flits=rng.randrange(1, 4), **common)
    if op == Op.TURN:
        pieces, record = rng.choice([(1, 8), (4, 2), (2, 2)])
        kind, scale = rng.choice(list(Turned)), rng.randrange(30)
        return Command(
            op=op, kind=kind, flits=pieces * record, record=record, rank_stride=7, scale=scale, **common
        )  # fmt: skip
    kind = rng.choice(list(Weighed)) if op == Op.WEIGH else 0
    return Command(op=op, kind=kind, record=rng.randrange(1, 5), flits=rng.randrange(1, 9), **common)  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "serial"), [("int8", 0), ("int4", 0), ("int8", 1)])
@pytest.mark.parametrize("stall", [0.0, 0.3])
def test_beats(name: str, serial: int, stall: float, rng: random.Random) -> None:
    """Every beat and its word, in order, for commands in random order, announced as early as there is room.

    For serial nodes a beat comes in phase 0 alone, and its fields and its word stay for the interval.
    """
    spec = SPECS[name]
    commands = [random_command(rng, spec) for _ in range(40)]
    config = Config(spec=spec, read_words=32, serial=serial)
    dut = Feeder(config=config)
    bench = Bench(dut, seed=rng.getrandbits(32))
    MemoryModel(bench, dut.memory, latency=9, stall=stall)
    fields = [{f.name: int(getattr(c, f.name)) for f in COMMAND} for c in commands]
    bench.source(dut.i, fields, stall=stall)
    streams = [f for f, c in zip(fields, commands, strict=True) if c.op != Op.TURN]
    bench.source(dut.ahead, streams, stall=stall)
    expected = [(c, beat) for c in commands for beat in beats(c, spec)]
    words = [(c, k) for c in commands if c.op != Op.TURN for k in range(sum(1 for _ in stream_beats(c, spec)))]
    seen: list[int] = []

    async def watch(ctx: Any) -> None:
        number, phase = 0, 0
        still: dict[str, int] = {}
        while len(seen) < len(expected):
            await ctx.tick()
            phase = (phase + 1) % config.interval
            if serial:
                ctx.set(dut.phase, phase)
            now = {field: ctx.get(dut.beat[field]) for field in dut.beat.shape().members if field != "kind"}
            now["of the stream"] = ctx.get(dut.word)
            assert phase == 0 or not still or now == still
            still = now
            if ctx.get(dut.beat.kind) == Beat.IDLE:
                continue
            assert phase == 0
            command, beat = expected[len(seen)]
            assert Beat(ctx.get(dut.beat.kind)).name == beat["kind"], (len(seen), command)
            for field in set(beat) - {"kind"}:
                assert ctx.get(dut.beat[field]) == beat[field], (len(seen), command, field)
            assert ctx.get(dut.settings.scale) == command.scale
            if beat["kind"] not in ("RECORD", "DIVISOR", "VECTOR", "CODES", "MAXIMUM"):
                owner, place = words[number]
                assert ctx.get(dut.word) & 0xFFFFFFFF == word_at(owner.external + place * spec.external_bytes)
                number += 1
            seen.append(1)

    bench.process(watch)
    bench.run(drain=100)
    assert len(seen) == len(expected)


def test_a_stream_is_read_ahead(rng: random.Random) -> None:
    """Requests of an independent stream leave before its command begins, those of another one after."""
    for flags, early in ((INDEPENDENT, True), (0, False)):
        command = Command(op=Op.SCORE, flits=4, record=2, flags=flags)
        dut = Feeder(config=Config(spec=INT8, read_words=32))
        bench = Bench(dut, seed=rng.getrandbits(32))
        memory = MemoryModel(bench, dut.memory, latency=9)
        bench.source(dut.ahead, [{f.name: int(getattr(command, f.name)) for f in COMMAND}])
        asked: list[int] = []

        async def late(ctx: Any, dut: Feeder = dut, memory: MemoryModel = memory, asked: list[int] = asked) -> None:
            for _ in range(40):
                await ctx.tick()
            asked.append(len(memory.bursts))

        bench.process(late)
        bench.run(drain=60)
        assert bool(asked[0]) == early
