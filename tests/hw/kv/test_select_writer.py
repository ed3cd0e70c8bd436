"""Bitmaps of selected clusters, table by table, however slowly they are written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from golden.kv.memory_image import bitmap
from golden.kv.memory_map import select_words
from golden.kv.spec import TINY
from hw.kv.select_writer import SelectWriter
from tests.hw.kv.workload import config_of, finish, set_header, words_of
from tests.hw.lib.bench import Bench, ticks
from tests.hw.lib.memory_model import WriteMemory

FIRST = 4096  # where the bitmaps go


@pytest.mark.parametrize(
    ("clusters", "counts", "stall"),
    [
        (256, (150, 128, 256, 1), 0.3),
        (512, (512, 512, 300), 0.99),  # a queue of four, and tables of four words
        (32, (3,) * 8, 0.97),  # a word a table, but more tables than the queue holds
    ],
)
def test_select_writer(clusters: int, counts: tuple[int, ...], stall: float, seed: int) -> None:
    """A table is sent once there is room, and is then taken without a pause."""
    spec = replace(TINY, clusters=clusters)
    g = torch.Generator().manual_seed(seed)
    tables = [torch.randint(2, (count,), generator=g).bool() for count in counts]
    writes: list[tuple[int, int, int]] = []
    for h, table in enumerate(tables):
        words = words_of(bitmap(table, spec), spec.word_bytes)
        writes += [
            (FIRST + (h * select_words(spec) + k) * spec.word_bytes, word, int(k == len(words) - 1))
            for k, word in enumerate(words)
        ]
    dut = SelectWriter(config=config_of(spec))
    bench = Bench(dut, seed=seed)
    memory = WriteMemory(bench, dut.memory, len(writes), stall=stall)

    async def drive(ctx: Any) -> None:
        await ticks(ctx, 2)
        for table in tables:
            while not ctx.get(dut.room):
                await ctx.tick()
            for c, bit in enumerate(table.tolist()):
                assert ctx.get(dut.i.ready)
                ctx.set(dut.i.payload, {"cluster": c, "selected": int(bit), "last": int(c == len(table) - 1)})
                ctx.set(dut.i.valid, 1)
                await ctx.tick()
            ctx.set(dut.i.valid, 0)
            assert not ctx.get(dut.room)
            assert not ctx.get(dut.idle)
        while not ctx.get(dut.idle):
            await ctx.tick()
        assert len(memory.log.values) == len(writes), "idle means that nothing waits"

    bench.process(set_header(dut.header, {"select_address": FIRST}, dut.begin))
    finish(bench, drive)
    bench.run()
    assert memory.words() == writes
