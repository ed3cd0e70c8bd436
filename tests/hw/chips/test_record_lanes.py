"""Records of selected tokens as rows of the nodes' cache."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from golden.chips.decode.memory_image import lanes_of
from golden.kv.scan_image import scan_records
from hw.chips.decode.config import Config, tiny
from hw.chips.decode.record_lanes import RecordLanes
from tests.hw.chips.layers import SMALL, random_codes
from tests.hw.lib.bench import Bench
from tests.hw.lib.memory_model import WriteMemory

ADDRESS, STRIDE = 4096, 2048


def wide() -> Config:
    """A head of two memory words."""
    from hw.chips.decode.config import for_heads

    return for_heads(SMALL.cluster, heads=2, head_size=32, group=2, tokens=64)


@pytest.mark.parametrize(("put", "get"), [(0.0, 0.0), (0.4, 0.4)])
@pytest.mark.parametrize(
    ("config", "count"), [(SMALL, 1), (SMALL, 4), (SMALL, 5), (wide(), 3), (wide(), 2), (tiny(), 9)]
)
def test_rows(config: Config, count: int, put: float, get: float, seed: int) -> None:
    """Two jobs of all heads one behind another; a full last row is followed by one of zeros; `done` comes last."""
    spec = config.spec
    shape = (count, spec.kv.heads, spec.kv.head_size)
    keys, values = (random_codes(shape, seed + k) for k in range(2))
    rows = count // spec.nodes + 1
    wanted: dict[int, bytes] = {}
    records: list[dict[str, int]] = []
    for head in range(spec.kv.heads):
        record = scan_records(keys[:, head], values[:, head], spec.kv).reshape(-1, config.word_bytes)
        records += [
            {"address": 0, "data": int.from_bytes(w.tobytes(), "little"), "last": k % 2} for k, w in enumerate(record)
        ]
        for part, codes in enumerate((keys, values)):
            lanes = lanes_of(codes[:, head].numpy(), rows, spec).reshape(-1, config.word_bytes)
            first = ADDRESS + head * STRIDE + part * STRIDE // 2
            wanted |= {first + k * config.word_bytes: word.tobytes() for k, word in enumerate(lanes)}

    dut = RecordLanes(config=config)
    bench = Bench(dut, seed=seed)
    written = WriteMemory(bench, dut.memory, 2 * len(wanted), stall=get)
    bench.source(dut.i, records * 2, stall=put)

    async def jobs(ctx: Any) -> None:
        ctx.set(dut.address, ADDRESS)
        ctx.set(dut.stride, STRIDE)
        ctx.set(dut.selected, count)
        picked, held = 0, False
        for job in range(2):
            ctx.set(dut.begin, 1)
            await ctx.tick()
            ctx.set(dut.begin, 0)
            await ctx.tick()
            while ctx.get(dut.done) < spec.kv.heads:
                picked += ctx.get(dut.picked)
                assert ctx.get(dut.busy) or not ctx.get(dut.memory.request.valid)
                held |= ctx.get(dut.busy) and not ctx.get(dut.memory.request.valid)
                assert ctx.get(dut.done) <= (len(written.log.values) - job * len(wanted)) * spec.kv.heads // len(wanted)
                await ctx.tick()
        assert picked == 2 * spec.kv.heads * count
        assert held
        assert not ctx.get(dut.busy)

    bench.process(jobs)
    bench.run()
    got = written.words()
    for job in range(2):
        own = got[job * len(wanted) : (job + 1) * len(wanted)]
        assert {a: d.to_bytes(config.word_bytes, "little") for a, d, _ in own} == wanted
    assert np.sum([last for _, _, last in got]) == 2 * 2 * spec.kv.heads * rows
