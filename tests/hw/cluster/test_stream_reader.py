"""The decode units' streams: their words, and the number of each."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from golden.cluster.beats import stream_beats
from golden.cluster.command import Command
from golden.cluster.memory_map import COMMAND
from golden.cluster.spec import INDEPENDENT, Move, Op, Spec
from hw.cluster.config import Config
from hw.cluster.layouts import Beat
from hw.cluster.stream_beats import StreamBeats
from hw.cluster.stream_reader import BURST, StreamReader
from tests.hw.cluster.cycles import play
from tests.hw.lib.bench import Bench
from tests.hw.lib.memory_model import MemoryModel, word_at

INT8 = Spec(nodes=2, link_width=64, memory_kib=4, inputs=256)
SPECS = pytest.mark.parametrize("spec", [INT8, replace(INT8, weight_bits=4)], ids=["int8", "int4"])


def fields(command: Command) -> dict[str, int]:
    return {f.name: int(getattr(command, f.name)) for f in COMMAND}


def commands(rng: random.Random, spec: Spec, number: int) -> list[Command]:
    """Those that have a stream, each at an address of its own."""
    result = []
    for k in range(number):
        op = rng.choice([Op.LOAD, Op.GEMV, Op.SCORE, Op.WEIGH])
        kind = rng.choice([Move.ACTIVATIONS, Move.CONSTANTS]) if op == Op.LOAD else 0
        projects = op == Op.GEMV
        record, flits = (
            (rng.choice([4, 8]) if projects else rng.randrange(1, 5)),
            rng.randrange(1, 4 if projects else 9),
        )
        place = {"external": k * 4096 * spec.external_bytes, "target": rng.randrange(20), "source": rng.randrange(20)}
        result.append(Command(op=op, kind=kind, record=record, flits=flits, flags=rng.randrange(4), **place))  # type: ignore[arg-type]
    return result


@SPECS
def test_the_beat_of_every_word(spec: Spec, rng: random.Random) -> None:
    """Streams one after the other, stepped at random; between the steps the beat holds still."""
    cycles: list[dict[str, Any]] = []
    wanted: list[tuple[int, dict[str, Any]]] = []
    for command in commands(rng, spec, 25):
        held = {"command": fields(command)}
        cycles += [held, {**held, "begin": 1}, held]
        for beat in stream_beats(command, spec):
            cycles += [held] * rng.choice([0, 0, 1, 3])
            wanted.append((len(cycles), beat))
            cycles.append({**held, "step": 1})
    got = play(StreamBeats(spec=spec), cycles, ["o"])
    for cycle, beat in wanted:
        view = got[cycle]["o"]
        assert Beat(view.kind).name == beat["kind"]
        assert {name: view[name] for name in beat if name != "kind"} == {n: v for n, v in beat.items() if n != "kind"}


@SPECS
@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_words_in_order(spec: Spec, stall: float, rng: random.Random) -> None:
    """All words of all streams; `last` with each stream's last; requests within a burst's length."""
    wanted = commands(rng, spec, 20)
    numbers = [sum(1 for _ in stream_beats(c, spec)) for c in wanted]
    dut = StreamReader(config=Config(spec=spec, read_words=32))
    bench = Bench(dut, seed=rng.getrandbits(32))
    memory = MemoryModel(bench, dut.memory, latency=6, stall=stall)
    bench.source(dut.i, [fields(c) for c in wanted], stall=stall)
    addresses = [c.external + k * spec.external_bytes for c, n in zip(wanted, numbers, strict=True) for k in range(n)]
    bench.sink(dut.o, [word_at(address) for address in addresses], stall=stall)
    ends: list[bool] = []

    async def begin(ctx: Any) -> None:
        """Each command begins when the stream of the one before has ended."""
        for number in numbers:
            ctx.set(dut.begins, 1)
            left = number
            while left:
                _, _, valid, ready, last = await ctx.tick().sample(dut.o.valid, dut.o.ready, dut.last)
                ctx.set(dut.begins, 0)
                if valid and ready:
                    left -= 1
                    ends.append(bool(last))

    bench.process(begin)
    bench.run()
    assert ends == [k == number - 1 for number in numbers for k in range(number)]
    assert sum(length for _, length in memory.bursts) == sum(numbers)
    assert max(length for _, length in memory.bursts) <= BURST


@pytest.mark.parametrize("flags", [0, INDEPENDENT])
def test_asked_for_when_allowed(flags: int, rng: random.Random) -> None:
    """An independent stream is asked for at once, another one not before its command begins."""
    dut = StreamReader(config=Config(spec=INT8, read_words=32))
    bench = Bench(dut, seed=rng.getrandbits(32))
    memory = MemoryModel(bench, dut.memory, latency=3)
    bench.source(dut.i, [fields(Command(op=Op.SCORE, flits=3, record=2, flags=flags))])
    bench.sink(dut.o, [word_at(k * INT8.external_bytes) for k in range(6)])
    asked: list[int] = []

    async def begin(ctx: Any) -> None:
        for _ in range(30):
            await ctx.tick()
        asked.append(len(memory.bursts))
        ctx.set(dut.begins, 1)
        await ctx.tick()
        ctx.set(dut.begins, 0)

    bench.process(begin)
    bench.run()
    assert asked == [1 if flags else 0]
