"""Scan rows from templates and query codes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from golden.chips.decode.memory_image import query_fields, row_bytes
from golden.kv.memory_map import scan_row
from hw.chips.decode.query_rows import QueryRows
from tests.hw.chips.layers import SMALL, random_codes
from tests.hw.lib.bench import Bench
from tests.hw.lib.byte_memory import ByteMemory
from tests.hw.lib.memory_model import WriteMemory

SPEC = SMALL.spec.kv


@pytest.mark.parametrize("stall", [0.0, 0.4])
@pytest.mark.parametrize("case", ["random", "extreme"])
def test_rows(case: str, stall: float, seed: int) -> None:
    """Every field of the template stays but those that follow from the queries, of either sign and the largest."""
    codes = random_codes((SPEC.heads, SPEC.group, SPEC.head_size), seed).numpy()
    if case == "extreme":  # |q| is largest in the first head's first row, in the second's last, where it is smaller
        codes[0, 0], codes[0, 1], codes[1, 0], codes[1, 1] = 127, 1, 0, -100
    rng = np.random.default_rng(seed)
    fields = [{f.name: int(rng.integers(0, 1 << min(f.width, 7) - 1)) for f in scan_row(SPEC)} for _ in codes]
    templates = row_bytes(fields, SMALL.spec)
    wanted = row_bytes([f | query_fields(c) for f, c in zip(fields, codes, strict=True)], SMALL.spec)
    content = bytes(64) + templates.tobytes() + codes.astype(np.int8).tobytes()

    dut = QueryRows(config=SMALL)
    bench = Bench(dut, seed=seed)
    ByteMemory(bench, dut.memory, content, latency=5, stall=stall)
    words = wanted.reshape(-1, SMALL.word_bytes)
    written = WriteMemory(bench, dut.out, len(words), stall=stall)

    async def start(ctx: Any) -> None:
        ctx.set(dut.template_address, 64)
        ctx.set(dut.codes_address, 64 + templates.size)
        ctx.set(dut.rows_address, 4096)
        ctx.set(dut.start, 1)
        await ctx.tick()
        ctx.set(dut.start, 0)
        while ctx.get(dut.busy):
            await ctx.tick()
        assert len(written.log.values) == len(words)

    bench.process(start)
    bench.run()
    got = written.words()
    assert [address for address, _, _ in got] == [4096 + k * SMALL.word_bytes for k in range(len(words))]
    for k, (_, data, _) in enumerate(got):
        assert data == int.from_bytes(words[k].tobytes(), "little"), f"word {k}"
    assert sum(last for _, _, last in got) == SPEC.heads
