"""The whole composition on the smallest config: every word that it leaves is the models'."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from golden.chips.decode.layer import share_layer
from golden.chips.decode.memory_image import build, read_results
from golden.chips.decode.model import decode
from golden.kv.scan import ScanOptions
from hw.chips.decode.config import for_heads
from hw.chips.decode.top import DecodeEngine
from hw.lib.fields import unpack_nested
from tests.hw.chips.layers import SMALL, small_layer
from tests.hw.kv.workload import finish
from tests.hw.lib.bench import Bench
from tests.hw.lib.byte_memory import ByteMemory, ByteWriter

OPTIONS = ScanOptions(budget=9, sink_tokens=1, window=2, planes=3)


@pytest.mark.parametrize(
    ("group", "hidden", "tokens", "options", "stall"),
    [
        (1, 8, 5, replace(OPTIONS, budget=64), 0.0),
        pytest.param(2, 16, 22, OPTIONS, 0.1, marks=pytest.mark.slow),
    ],
)
def test_a_step(group: int, hidden: int, tokens: int, options: ScanOptions, stall: float, seed: int) -> None:
    """All of five tokens, or nine of 22 in a memory that pauses, and the new one; counters count what moved."""
    config = for_heads(SMALL.cluster, heads=2, head_size=16, group=group, tokens=64)
    layer = share_layer(small_layer(config, hidden=hidden, tokens=tokens, seed=seed), config.spec, options)
    image = build(layer, watchdog=5000)
    dut = DecodeEngine(config=config)
    bench = Bench(dut, seed=seed, deadline=60_000)
    content = bytearray(image.data.tobytes() + bytes(image.result_bytes))
    ByteMemory(bench, dut.read, content, latency=4, stall=stall)
    counters: dict[str, Any] = {}
    written = ByteWriter(bench, dut.write, content, stall=stall).addresses

    async def job(ctx: Any) -> None:
        ctx.set(dut.address, image.header_address)
        ctx.set(dut.start, 1)
        await ctx.tick()
        ctx.set(dut.start, 0)
        while ctx.get(dut.busy):
            await ctx.tick()
        counters.update(unpack_nested(ctx.get(dut.counters.as_value()), dut.counters.shape()))

    finish(bench, job)
    bench.run()
    got = read_results(np.frombuffer(bytes(content[image.result_address :]), np.uint8), image, layer)
    model = decode(layer, image)
    for name, wanted in read_results(model.results(image), image, layer).items():
        assert np.array_equal(got[name], wanted), name
    assert (counters["status"], counters["selected"]) == (0, layer.selected * config.spec.kv.heads)
    stored = sum(counters[name] for name in ("row_words", "list_words", "record_words", "store_words"))
    assert stored == len(written)
    assert min(written) >= image.result_address
