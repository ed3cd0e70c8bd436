"""Block store and log writer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from golden.kv.block_store import block_store
from golden.kv.memory_image import expected_log
from golden.kv.memory_map import LOG, LOG_BYTES
from golden.kv.spec import TINY
from golden.rows import from_bytes
from hw.kv.block_store import BlockStore
from hw.kv.config import Config, tiny
from hw.kv.log_writer import LogWriter
from tests.hw.kv.workload import Workload, set_header, words_of
from tests.hw.lib.bench import Bench
from tests.hw.lib.memory_model import WriteMemory


def small(**changes: int) -> Config:
    return replace(tiny(), spec=replace(TINY, near_blocks=16, **changes))


@pytest.mark.parametrize("stall", [0.0, 0.5])
@pytest.mark.parametrize("blocks", [32, 128])
def test_block_store(blocks: int, stall: float, seed: int) -> None:
    """Places, closings and refusals in program order; never more than eight closed blocks without a copy."""
    config = small(blocks=blocks)
    spec = config.spec
    clusters = torch.randint(12, (150,), generator=torch.Generator().manual_seed(seed)).tolist()
    founded: dict[int, int] = {}
    clusters = [founded.setdefault(c, len(founded)) for c in clusters]
    store = block_store(torch.tensor(clusters), len(founded), spec)
    assert bool(store.refused) == (blocks == 32), "a full store is tried"
    new = [int(clusters.index(c) == t) for t, c in enumerate(clusters)]
    decisions, places, log = [], [], []
    for t, place in enumerate(store.places):
        decision = {"hash": t, "cluster": clusters[t], "new": new[t], "spilled": 0}
        decisions.append(decision)
        log.append({**decision, "refused": int(place is None), "spare": 0})
        places.append({"cluster": clusters[t], "new": new[t], "stored": int(place is not None), "evict": 0})
        if place is not None:
            places[-1] |= {"slot": place.block % spec.near_blocks, "position": place.position}
            if place.closes is not None:
                places[-1] |= {"evict": 1, "closed": place.closes}
    dut = BlockStore(config=config)
    bench = Bench(dut, seed=seed)
    bench.source(dut.decisions, decisions, stall=stall)
    got = bench.sink(dut.places, len(places), stall=stall)
    bench.sink(dut.log, log, stall=stall)

    async def copy(ctx: Any) -> None:
        """Copies closed blocks, slowly."""
        done, waiting = 0, 0
        while True:
            closed = sum(p["evict"] for p in got.values)
            finishes = done < closed and bench.stall(0.05)
            ctx.set(dut.evicted, finishes)
            await ctx.tick()
            done += finishes
            waiting = max(waiting, closed - done)
            assert waiting <= 8

    bench.process(copy)
    bench.run()
    for place, wanted in zip(got.values, places, strict=True):
        assert {name: place[name] for name in wanted} == wanted


@pytest.mark.parametrize("stall", [0.0, 0.5])
@pytest.mark.parametrize("tokens", [1, 20, 37])
def test_log_writer(tokens: int, stall: float, seed: int) -> None:
    """Whole words, the last half empty if tokens are odd; the store is full at the end."""
    spec = small(blocks=16).spec
    work = Workload.make(spec, tokens, 1, seed=seed, threshold=1)
    assert tokens == 1 or work.model.store.refused
    raw = expected_log(work.model)
    entries = [{name: int(v[t]) for name, v in from_bytes(LOG, raw).items()} for t in range(tokens)]
    words = words_of(np.concatenate([raw, np.zeros((tokens % 2, LOG_BYTES), np.uint8)]), spec.word_bytes)
    dut = LogWriter(memory_width=8 * spec.word_bytes)
    bench = Bench(dut, seed=seed)
    bench.process(set_header(dut.header, work.header, dut.begin))
    bench.source(dut.i, entries, stall=max(stall, 0.01))
    memory = WriteMemory(bench, dut.memory, len(words), stall=stall)
    bench.run()
    first = work.header["log_address"]
    assert memory.words() == [
        (first + k * spec.word_bytes, word, int(k == len(words) - 1)) for k, word in enumerate(words)
    ]
