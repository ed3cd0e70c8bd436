"""Word cache: every answer is the memory's, no word that is there is asked for again."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from hw.splat.word_cache import WordCache
from tests.hw.lib.bench import Bench
from tests.hw.lib.byte_memory import ByteMemory
from tests.hw.lib.simulate import refuses

MEMORY = 160  # words


class Model:
    """Which word each place holds, as soon as it is asked for."""

    def __init__(self, words: int) -> None:
        self.words = words
        self.held: dict[int, int] = {}

    def missing(self, word: int) -> bool:
        slot = word % self.words
        if self.held.get(slot) == word:
            return False
        self.held[slot] = word
        return True


def bursts_of(rng: Random, count: int) -> list[tuple[int, int]]:
    """First word and length: runs of neighbours, the same again, and places that clash."""
    result: list[tuple[int, int]] = []
    for _ in range(count):
        kind = rng.random()
        first = rng.randrange(MEMORY - 8)
        if result and kind < 0.4:
            first = result[-1][0]
        elif result and kind < 0.6:
            first = (result[-1][0] + 16) % (MEMORY - 8)  # in the same places
        result.append((first, rng.choice([1, 1, 2, 8])))
    return result


@pytest.mark.parametrize(
    ("width", "words", "waiting", "put", "memory", "get"),
    [(32, 2, 2, 0, 0.6, 0), (128, 16, 8, 0.3, 0.3, 0.4), (512, 16, 40, 0, 0, 0), (64, 64, 40, 0.3, 0.3, 0)],
)
def test_two_frames(
    width: int, words: int, waiting: int, put: float, memory: float, get: float, seed: int
) -> None:  # fmt: skip
    """Random bursts, a clear between the two halves, and other contents behind it."""
    rng = Random(f"{seed} {width} {words}")
    dut = WordCache(width=width, words=words, waiting=waiting)
    bench = Bench(dut, seed=seed)
    size = width // 8
    contents = [rng.randbytes(MEMORY * size) for _ in range(2)]
    content = bytearray(contents[0])
    port = ByteMemory(bench, dut.memory, content, latency=9, stall=memory)
    halves = [bursts_of(rng, 60), bursts_of(rng, 60)]
    first, length = halves[0][-1]
    halves[1][0] = (first + length - 1, 1)  # the word before the clear is the first behind it
    asked: list[dict[str, int]] = []
    answers: list[dict[str, int]] = []
    misses: list[int] = []
    for half, raw in zip(halves, contents, strict=True):
        model = Model(words)
        for first, length in half:
            asked.append({"address": first * size, "length": length})
            for k in range(first, first + length):
                word = int.from_bytes(raw[k * size : (k + 1) * size], "little")
                answers.append({"data": word, "last": int(k == first + length - 1)})
                if model.missing(k):
                    misses.append(k)
    log = bench.sink(dut.client.response, answers, stall=get)
    hits: list[int] = []

    async def ask(ctx: Any) -> None:
        """The second half's requests wait until the first half's answers are there and the cache is cleared."""
        request = dut.client.request
        for number, burst in enumerate(asked):
            if number == len(halves[0]):
                while len(log.values) < sum(length for _, length in halves[0]):
                    await ctx.tick()
                content[:] = contents[1]
                ctx.set(dut.clear, 1)
                await ctx.tick()
                ctx.set(dut.clear, 0)
            while rng.random() < put:
                await ctx.tick()
            ctx.set(request.payload.address, burst["address"])
            ctx.set(request.payload.length, burst["length"])
            ctx.set(request.valid, 1)
            taken = False
            while not taken:
                _, _, taken = await ctx.tick().sample(request.ready)
            ctx.set(request.valid, 0)

    async def count(ctx: Any) -> None:
        while True:
            _, _, hit = await ctx.tick().sample(dut.hit)
            hits.append(hit)

    bench.process(ask)
    bench.process(count)
    bench.run(drain=30)
    assert [address // size for address, _ in port.bursts] == misses
    assert all(length == 1 for _, length in port.bursts)
    assert sum(hits) == len(answers) - len(misses)


def test_what_it_refuses() -> None:
    refuses("words must be a power of two of at least 2, it is 1", lambda: WordCache(width=32, words=1, waiting=4))
    refuses("words must be a power of two of at least 2, it is 12", lambda: WordCache(width=32, words=12, waiting=4))
    refuses("waiting must be at least 2, it is 1", lambda: WordCache(width=32, words=16, waiting=1))
