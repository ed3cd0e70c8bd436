"""The reader of programs: which commands it refuses, and which streams it announces."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from golden.cluster.command import Command, check
from golden.cluster.memory_image import program_bytes
from golden.cluster.memory_map import COMMAND
from golden.cluster.spec import ElementType, Kind, Move, Op, Schedule, Spec
from golden.errors import InputError
from hw.cluster.command_reader import CommandReader
from hw.cluster.config import Config
from tests.hw.lib.bench import Bench
from tests.hw.lib.byte_memory import ByteMemory

SPEC = Spec(nodes=4, link_width=64, memory_kib=1024)


def fields(command: Command) -> dict[str, int]:
    return {f.name: int(getattr(command, f.name)) for f in COMMAND}


def refused(command: Command, spec: Spec) -> bool:
    try:
        check(command, spec)
    except InputError:
        return True
    return False


def play(programs: list[list[Command]], spec: Spec, rng: random.Random, *, watchdog: int = 0) -> Bench:
    """Runs the programs one after the other; asserts all commands up to each program's first impossible one."""
    dut = CommandReader(config=Config(spec=spec))
    bench = Bench(dut, seed=rng.getrandbits(32), deadline=200_000)
    content, starts = b"", []
    for each in programs:
        image = program_bytes(each, spec, watchdog=watchdog).tobytes()
        image += bytes(-len(image) % spec.external_bytes)
        first = len(content) + int.from_bytes(image[4:8], "little")
        starts.append(len(content))
        content += image[:4] + first.to_bytes(4, "little") + image[8:]
    ByteMemory(bench, dut.memory, content, latency=5, stall=0.2)
    entries, streams = [], []
    for each in programs:
        for command in each:
            bad = refused(command, spec)
            entries.append({"command": fields(command), "refused": int(bad)})
            if bad:
                break
            if command.feeds and command.op != Op.TURN:
                streams.append(fields(command))
    bench.sink(dut.o, entries, stall=0.2)
    bench.sink(dut.ahead, streams, stall=0.2)

    async def start(ctx: Any) -> None:
        for address in starts:
            ctx.set(dut.address, address)
            ctx.set(dut.start, 1)
            await ctx.tick()
            ctx.set(dut.start, 0)
            while ctx.get(dut.busy):
                await ctx.tick()
            assert ctx.get(dut.watchdog) == watchdog

    bench.process(start)
    bench.run(drain=60)
    return bench


@pytest.mark.parametrize("compute", [0, 1])
def test_codes_and_their_combinations(compute: int, rng: random.Random) -> None:
    """Every operation, schedule, format and kind, and one more of each, refused as the model does."""
    spec = replace(SPEC, compute=compute)
    codes = (range(max(kind) + 2) for kind in (Op, Schedule, ElementType, Kind))
    choices = list(product(*codes))
    programs = []
    for op, schedule, form, kind in rng.sample(choices, 100):
        numbers = {"op": op, "schedule": schedule, "format": form, "kind": kind}
        programs.append([Command(**numbers, flits=8, record=1, source=100, target=200)])  # type: ignore[arg-type]
    play(programs, spec, rng)


@pytest.mark.parametrize(
    "change",
    [
        {"flits": 0}, {"flits": 1 << 16}, {"flits": (1 << 16) - 4}, {"root": 4}, {"root": 3},
        {"schedule": Schedule.RING, "flits": 6}, {"schedule": Schedule.RING, "flits": 8},
        {"kind": Kind.MERGE, "record": 0}, {"kind": Kind.MERGE, "format": ElementType.HALF},
        {"kind": Kind.MERGE, "record": 1}, {"op": Op.BARRIER, "flits": 1 << 16 | 1, "schedule": Schedule.RING},
        {"op": Op.SCORE, "record": 0}, {"op": Op.SCORE, "record": 1},
    ],
    ids=str,
)  # fmt: skip
def test_limits(change: dict[str, Any], rng: random.Random) -> None:
    """What lies in and out of range by one; the commands behind a refused one are not read."""
    good = Command(op=Op.REDUCE, flits=4, source=0, target=1 << 16)
    changed = replace(good, **change)
    play([[good, changed, good], [good]], SPEC, rng)


def test_streams_are_announced(rng: random.Random) -> None:
    """Those of commands that have one, each once and before its command; with the header's watchdog."""
    kinds = [
        Command(op=Op.LOAD, kind=Move.ACTIVATIONS),
        Command(op=Op.LOAD, kind=Move.STRIPED),
        Command(op=Op.GEMV, record=8),
        Command(op=Op.SCORE),
        Command(op=Op.WEIGH),
        Command(op=Op.TURN, flits=4),
        Command(op=Op.REDUCE, target=9),
    ]
    program = [replace(rng.choice(kinds), external=SPEC.external_bytes * k) for k in range(40)]
    bench = play([program], SPEC, rng, watchdog=0xABCDE)
    entries, ahead = bench.logs
    taken = {v["command"]["external"]: cycle for v, cycle in zip(entries.values, entries.cycles, strict=True)}
    for value, cycle in zip(ahead.values, ahead.cycles, strict=True):
        assert cycle < taken[value["external"]]
