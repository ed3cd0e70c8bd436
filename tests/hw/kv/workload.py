"""Small jobs as the blocks see them, and the model's answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from golden.kv.memory_image import MemoryImage, build_memory_image, records
from golden.kv.memory_map import HEADER, HEADER_BYTES
from golden.kv.model import ModelResult, Options, retrieve
from golden.kv.quantise import Quantised
from golden.kv.spec import TINY, Spec
from golden.rows import Bytes, from_bytes
from hw.kv.config import Config, tiny
from tests.golden.kv.streams import clustered
from tests.hw.lib.bench import Bench, Log

#: Six memory words a token and a block of no power of two: addresses are products, not shifts.
THREE_HEADS = replace(TINY, heads=3)
#: Three chunks a head: places and runs of no power of two of words.
THREE_CHUNKS = replace(TINY, head_size=24)


def config_of(spec: Spec) -> Config:
    return replace(tiny(), spec=spec)


def header_fields(image: MemoryImage) -> dict[str, int]:
    """The fields that the host writes."""
    return {name: int(v[0]) for name, v in from_bytes(HEADER, image.data[None, :HEADER_BYTES]).items()}


def set_header(header: Any, fields: dict[str, int], begin: Any = None) -> Callable[..., Any]:
    """A process that sets header fields, and then raises `begin` for a cycle."""

    async def run(ctx: Any) -> None:
        for name, value in fields.items():
            ctx.set(header[name], value)
        if begin is not None:
            ctx.set(begin, 1)
        await ctx.tick()
        if begin is not None:
            ctx.set(begin, 0)

    return run


def finish(bench: Bench, function: Callable[..., Any]) -> None:
    """Adds a process whose end the run waits for."""
    log = Log("process", count=1)
    bench.logs.append(log)

    async def run(ctx: Any) -> None:
        await function(ctx)
        log.values.append(True)

    bench.process(run)


def answer(question: Any, reply: Callable[[Any, int], None]) -> Callable[..., Any]:
    """A process that plays a memory: `reply` gets in every cycle what `question` was in the one before."""

    async def run(ctx: Any) -> None:
        while True:
            _, _, asked = await ctx.tick().sample(question)
            reply(ctx, asked)

    return run


def words_of(data: Bytes, word_bytes: int) -> list[int]:
    """Bytes as memory words."""
    raw = data.tobytes()
    return [int.from_bytes(raw[k : k + word_bytes], "little") for k in range(0, len(raw), word_bytes)]


@dataclass(frozen=True, kw_only=True)
class Workload:
    """Tokens and queries, and what the model makes of them."""

    spec: Spec
    data: Quantised
    options: Options

    @staticmethod
    def make(
        spec: Spec, tokens: int, queries: int, *, seed: int, anchors: int = 20, threshold: int | None = None
    ) -> Workload:
        options = Options.of(spec)
        if threshold is not None:
            options = replace(options, hamming_threshold=threshold)
        return Workload(spec=spec, data=clustered(spec, tokens, queries, seed=seed, anchors=anchors), options=options)

    @cached_property
    def model(self) -> ModelResult:
        return retrieve(self.data, self.spec, self.options)

    @cached_property
    def image(self) -> MemoryImage:
        return build_memory_image(self.data, self.spec, self.options)

    @cached_property
    def header(self) -> dict[str, int]:
        return header_fields(self.image)

    @cached_property
    def records(self) -> list[list[int]]:
        """The memory words of every token."""
        words = words_of(records(self.data, self.spec), self.spec.word_bytes)
        size = self.spec.token_words
        return [words[k : k + size] for k in range(0, len(words), size)]
