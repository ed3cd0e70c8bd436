"""What a scan reads and writes: planes of words, lists and records of tokens."""

from __future__ import annotations

from typing import Any

import pytest

from golden.kv.memory_map import scan_record_words
from golden.kv.scan import ScanOptions
from golden.kv.scan_image import plane_words
from golden.kv.spec import Spec
from hw.kv.first_words import FirstWords
from hw.kv.list_writer import ListWriter
from hw.kv.plane_fetch import PlaneFetch
from hw.kv.record_fetch import RecordFetch
from tests.hw.kv.scans import ODD, SMALL, ScanWork
from tests.hw.kv.workload import finish
from tests.hw.lib.bench import Bench, ticks
from tests.hw.lib.byte_memory import ByteMemory
from tests.hw.lib.memory_model import MemoryModel, WriteMemory, word_at

OPTIONS = ScanOptions(budget=5)


@pytest.mark.parametrize("stall", [0.0, 0.4])
@pytest.mark.parametrize(("first", "count"), [(0, 3), (0, 4), (0, 6), (4, 4), (5, 1)])
def test_plane_fetch(first: int, count: int, stall: float, seed: int) -> None:
    """Planes of some words, in order, from the two parts of the memory; no word is read that is not asked for."""
    work = ScanWork.make(SMALL, 60, 1, OPTIONS, seed=seed)
    planes = plane_words(work.data.planes[:, 0], SMALL)
    memory = bytes(64) + planes[:, :4].tobytes() + planes[:, 4:].tobytes()
    dut = PlaneFetch(config=work.config)
    bench = Bench(dut, seed=seed)
    served = ByteMemory(bench, dut.memory, memory, latency=9, stall=stall)
    words = [0, 1, 2, 5, 9, 10, 14]

    async def ask(ctx: Any) -> None:
        ctx.set(dut.planes_address, 64)
        ctx.set(dut.rest_address, 64 + len(planes) * 4 * SMALL.word_bytes)
        ctx.set(dut.count, count)
        await ticks(ctx, 2)
        for word in words:
            ctx.set(dut.i.payload.word, word)
            ctx.set(dut.i.payload.first, first)
            ctx.set(dut.i.payload.end, word == 2)
            ctx.set(dut.i.valid, 1)
            taken = 0
            while not taken:
                _, _, taken = await ctx.tick().sample(dut.i.ready)
            ctx.set(dut.i.valid, 0)
            await ticks(ctx, int(bench.stall(stall)))

    bench.process(ask)
    expected = [
        {
            "bits": int.from_bytes(planes[word, plane].tobytes(), "little"),
            "word": word,
            "first": int(plane == first),
            "last": int(plane == first + count - 1),
            "end": int(word == 2),
            "planes": first + count,
        }
        for word in words
        for plane in range(first, first + count)
    ]
    bench.sink(dut.o, expected, stall=stall)
    bench.run()
    assert sum(length for _, length in served.bursts) == len(words) * count


@pytest.mark.parametrize("stall", [0.0, 0.4])
@pytest.mark.parametrize("last_word", [0, 1, 6])
def test_first_words(last_word: int, stall: float, seed: int) -> None:
    """The ends once, one alone where there is no other, and every word in order; and all of it again."""
    dut = FirstWords(spec=SMALL)
    bench = Bench(dut, seed=seed)

    async def begin(ctx: Any) -> None:
        ctx.set(dut.last_word, last_word)
        for _ in range(2):
            ctx.set(dut.go, 1)
            await ctx.tick()
            ctx.set(dut.go, 0)
            while ctx.get(dut.busy):
                await ctx.tick()

    finish(bench, begin)
    words = [*((word, 1) for word in sorted({0, last_word})), *((word, 0) for word in range(last_word + 1))]
    bench.sink(dut.o, 2 * [{"word": word, "first": 0, "end": end} for word, end in words], stall=stall)
    bench.run()


@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_list_writer(stall: float, seed: int) -> None:
    """A heading and an entry a token; an empty list is a heading; the last word is filled with zeros."""
    config = ScanWork.make(SMALL, 4, 1, OPTIONS, seed=seed).config
    per_word = config.word_bytes // 8
    dut = ListWriter(config=config)
    bench = Bench(dut, seed=seed)
    lists = [[3, 9, 11], [], [5], list(range(20))]
    entries: list[tuple[int, int, int]] = []
    for number, tokens in enumerate(lists):
        flat = [len(tokens) | (number & 1) << 32, *(token | (token + 7) << 32 for token in tokens)]
        for k in range(0, len(flat), per_word):
            word = sum(entry << 64 * j for j, entry in enumerate(flat[k : k + per_word]))
            entries.append((0x1000 * (number + 1) + 8 * k, word, int(k + per_word >= len(flat))))

    async def begin(ctx: Any) -> None:
        for number, tokens in enumerate(lists):
            ctx.set(dut.address, 0x1000 * (number + 1))
            ctx.set(dut.count, len(tokens))
            ctx.set(dut.values_only, number & 1)
            ctx.set(dut.begin, 1)
            await ctx.tick()
            ctx.set(dut.begin, 0)
            while not ctx.get(dut.idle):
                await ctx.tick()

    finish(bench, begin)
    bench.source(dut.i, [{"token": token, "score": token + 7} for tokens in lists for token in tokens], stall=stall)
    target = WriteMemory(bench, dut.memory, len(entries), stall=stall)
    bench.run()
    assert target.words() == entries


@pytest.mark.parametrize("stall", [0.0, 0.4])
@pytest.mark.parametrize("values_only", [0, 1])
@pytest.mark.parametrize("spec", [SMALL, ODD])
def test_record_fetch(spec: Spec, values_only: int, stall: float, seed: int) -> None:
    config = ScanWork.make(spec, 4, 1, OPTIONS, seed=seed).config
    part = scan_record_words(spec)
    dut = RecordFetch(config=config)
    bench = Bench(dut, seed=seed)
    tokens = [0, 1, 4, 17, 18, 60]
    MemoryModel(bench, dut.source, latency=9, stall=stall)
    first, words = part if values_only else 0, part if values_only else 2 * part
    sources = [0x4000 + (token * 2 * part + first + k) * spec.word_bytes for token in tokens for k in range(words)]
    wanted = [
        (0x9000 + k * spec.word_bytes, word_at(address), int(k % words == words - 1))
        for k, address in enumerate(sources)
    ]

    async def begin(ctx: Any) -> None:
        ctx.set(dut.record_address, 0x4000)
        ctx.set(dut.gather_address, 0x9000)
        ctx.set(dut.values_only, values_only)
        ctx.set(dut.begin, 1)
        await ctx.tick()
        ctx.set(dut.begin, 0)

    bench.process(begin)
    bench.source(dut.i, [{"token": token, "score": 0} for token in tokens], stall=max(stall, 0.3))
    target = WriteMemory(bench, dut.target, len(wanted), stall=stall)
    bench.run()
    assert target.words() == wanted
