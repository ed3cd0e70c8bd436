"""Book loader: every line of a new scene's books, none of one that is held."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest

from golden.rows import pack
from golden.splat.memory_map import BOOKS, BOOKS_BYTES, HEADER_BYTES, LINE_BYTES, VIEW_BYTES
from golden.splat.spec import TINY
from hw.splat.book_loader import BookLoader
from tests.hw.lib.bench import Bench
from tests.hw.lib.byte_memory import ByteMemory
from tests.hw.lib.simulate import refuses
from tests.hw.splat.books import RandomBooks

SPEC = replace(TINY, codebooks=1, sh_degree=3, scale_entries=32, rotation_entries=16, dc_entries=16, sh_entries=16)
HEAD = HEADER_BYTES + VIEW_BYTES
#: Versions of the frames' books, and whether each is loaded: not if it is the last one's, always if it is 0.
FRAMES = [(7, 1), (7, 0), (9, 1), (7, 1), (0, 1), (0, 1), (7, 1), (7, 0)]


@pytest.mark.parametrize(
    ("width", "memory", "degree", "sh_bits"),
    [
        (128, 0.4, 1, 6), (128, 0, 2, 8), (256, 0, 1, 8), (512, 0, 0, 6),
        (512, 0.4, 1, 4), (512, 0, 2, 6), (512, 0.4, 3, 8),
    ],
)  # fmt: skip
def test_frames(width: int, memory: float, degree: int, sh_bits: int, seed: int) -> None:
    """Lines and entries with their numbers, in order; words read; busy until the last one has left."""
    rng = Random(f"{seed} {width}")
    books = RandomBooks(replace(SPEC, sh_bits=sh_bits), rng, degree)
    dut = BookLoader(memory_width=width)
    bench = Bench(dut, seed=seed)
    look, sh = books.look_bytes, books.sh_bytes
    content = np.zeros(0, np.uint8)
    for version, _ in FRAMES:  # each frame's header with the books behind it
        place = len(content) + HEAD + BOOKS_BYTES
        row = {
            "version": version, "look_address": place, "look_lines": len(look) // LINE_BYTES,
            "sh_address": place + len(look), "sh_lines": len(sh) // LINE_BYTES,
            "sh_line_entries": LINE_BYTES // books.sh_entry_bytes,
        }  # fmt: skip
        content = np.concatenate([content, np.zeros(HEAD, np.uint8), pack(BOOKS, row, BOOKS_BYTES)[0], look, sh])
    port = ByteMemory(bench, dut.memory, content.tobytes(), latency=7, stall=memory)
    frame_bytes = len(content) // len(FRAMES)

    async def run(ctx: Any) -> None:
        for k, (_, loaded) in enumerate(FRAMES):
            before = sum(length for _, length in port.bursts)
            assert not ctx.get(dut.busy)
            ctx.set(dut.address, k * frame_bytes)
            ctx.set(dut.start, 1)
            await ctx.tick()
            ctx.set(dut.address, 64)  # ignored from now on
            got: list[dict[str, int]] = []
            loads = 0
            while ctx.get(dut.busy):
                line = {name: ctx.get(dut.line[name]) for name in ("look", "sh", "line", "data")}
                if line["look"] or line["sh"]:
                    got.append(line)
                loads += ctx.get(dut.loads)
                if loads or len(got) > 1:
                    ctx.set(dut.start, 0)
                await ctx.tick()
                if rng.random() < 0.1:
                    ctx.set(dut.start, 0)
            ctx.set(dut.start, 0)
            assert loads == loaded, k
            assert got == (books.lines() if loaded else []), k
            words = (BOOKS_BYTES + loaded * (len(look) + len(sh))) * 8 // width
            assert sum(length for _, length in port.bursts) == before + words, k
        done.append(1)

    done: list[int] = []
    bench.process(run)
    bench.run(drain=4000)
    assert done


def test_words_longer_than_a_line() -> None:
    refuses("memory_width must be at most 512, it is 1024", lambda: BookLoader(memory_width=1024))
