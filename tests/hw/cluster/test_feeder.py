"""The feeder's beats, command by command, over a memory that stalls."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from golden.cluster.command import Command
from golden.cluster.memory_map import COMMAND
from golden.cluster.spec import INDEPENDENT, Move, Op, Spec, Turned, Weighed
from golden.cluster.weights import group_flits
from hw.cluster.config import Config
from hw.cluster.feeder import Feeder
from hw.cluster.layouts import Beat
from tests.hw.lib.bench import Bench
from tests.hw.lib.memory_model import MemoryModel, word_at

INT8 = Spec(nodes=2, link_width=64, memory_kib=4, inputs=256)
SPECS = {"int8": INT8, "int4": replace(INT8, weight_bits=4)}
Fields = dict[str, int]


def stream_beats(c: Command, spec: Spec) -> Iterator[Fields]:
    """One for each word, with the fields that matter to its kind."""
    if c.op == Op.LOAD:
        kind = Beat.CONSTANTS if c.kind == Move.CONSTANTS else Beat.ACTIVATIONS
        yield from ({"kind": kind, "index": c.target + k} for k in range(c.flits))
    elif c.op == Op.GEMV:
        per_group = 4 * 64 // spec.link_width
        for block in range(c.flits):
            yield {"kind": Beat.SCALES}
            yield from ({"kind": Beat.GROUPS, "index": k} for k in range(group_flits(c.record * spec.products, spec)))
            for word in range(spec.lanes):
                for k in range(c.record):
                    place = {"place": (word * c.record + k) // per_group} if spec.weight_bits == 4 else {}
                    yield {
                        "kind": Beat.WEIGHTS, "index": k, "first": k == 0, "last": k == c.record - 1, "word": word,
                        "address": c.target + block, **place,
                    }  # fmt: skip
    else:
        first, kind = (c.target, Beat.KEYS) if c.op == Op.SCORE else (c.source, Beat.VALUES)
        for row in range(c.flits):
            for k in range(c.record):
                yield {
                    "kind": kind, "index": k, "first": k == 0, "last": k == c.record - 1, "word": row % spec.lanes,
                    "begin": row == 0, "final": row == c.flits - 1, "address": first + row // spec.lanes,
                }  # fmt: skip


def beats(c: Command, spec: Spec) -> Iterator[Fields]:
    """All of a command."""
    if c.op != Op.TURN:
        if c.op == Op.WEIGH and c.kind == Weighed.FOUND:
            for k in range(-(-c.flits // spec.lanes)):
                yield {"kind": Beat.MAXIMUM, "begin": k == 0, "address": c.source + k}
        yield from stream_beats(c, spec)
        if c.op == Op.WEIGH:
            yield {"kind": Beat.RECORD, "first": 1, "address": c.target}
            for k in range(4 * c.record):
                yield {"kind": Beat.RECORD, "first": 0, "index": k // 4, "place": k % 4, "address": c.target + 1 + k}
        return
    if c.kind == Turned.NORMALISE:
        yield {"kind": Beat.DIVISOR, "address": c.source - 1}
    for k in range(c.flits):
        address = c.source + k // c.record * c.rank_stride + k % c.record
        yield {"kind": Beat.VECTOR, "first": k == 0, "index": c.scale + k, "place": k, "address": address}
    for k in range(c.flits):
        place = {"place": k // 4, "address": c.target + k // 4}
        yield {"kind": Beat.CODES, "index": k, "last": k % 4 == 3, **place}


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


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("stall", [0.0, 0.3])
def test_beats(name: str, stall: float, rng: random.Random) -> None:
    """Every beat and its word, in order, for commands in random order, announced as early as there is room."""
    spec = SPECS[name]
    commands = [random_command(rng, spec) for _ in range(40)]
    dut = Feeder(config=Config(spec=spec, read_words=32))
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
        number = 0
        while len(seen) < len(expected):
            await ctx.tick()
            if ctx.get(dut.beat.kind) == Beat.IDLE:
                continue
            command, beat = expected[len(seen)]
            got = {field: int(ctx.get(dut.beat[field])) for field in beat}
            assert got == {field: int(value) for field, value in beat.items()}, (len(seen), command)
            assert ctx.get(dut.settings.scale) == command.scale
            if beat["kind"] not in (Beat.RECORD, Beat.DIVISOR, Beat.VECTOR, Beat.CODES, Beat.MAXIMUM):
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
