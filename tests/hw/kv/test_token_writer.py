"""Tokens go to their places in the near level, and their keys to the sums, as the model says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from golden.kv.memory_map import place_offset
from golden.kv.spec import TINY, Spec
from hw.kv.layouts import AddLayout, record_layout
from hw.kv.token_writer import TokenWriter
from hw.lib.fields import unpack_nested
from tests.hw.kv.workload import THREE_CHUNKS, THREE_HEADS, Workload, config_of, set_header
from tests.hw.lib.bench import Bench
from tests.hw.lib.memory_model import WriteMemory

#: Sixteen blocks in all, of which eight stay open: blocks close, and tokens are refused.
SMALL = {"blocks": 16, "near_blocks": 16}


@pytest.mark.parametrize("stall", [0.0, 0.4])
@pytest.mark.parametrize("spec", [replace(spec, **SMALL) for spec in (TINY, THREE_HEADS, THREE_CHUNKS)])
def test_token_writer(spec: Spec, stall: float, seed: int) -> None:
    work = Workload.make(spec, 40, 1, seed=seed)
    store, clustering = work.model.store, work.model.clustering
    places: list[dict[str, int]] = []
    writes: list[tuple[int, int, int]] = []
    for t, place in enumerate(store.places):
        token = {"cluster": int(clustering.cluster[t]), "new": int(clustering.new[t]), "stored": int(place is not None)}
        token |= {"slot": 0, "position": 0, "evict": 0, "closed": 0}
        if place is not None:
            token |= {"slot": place.block % spec.near_blocks, "position": place.position}
            if place.closes is not None:
                token |= {"evict": 1, "closed": place.closes}
            for k, word in enumerate(work.records[t]):
                head, chunk = divmod(k, spec.chunks)
                near = work.header["near_address"] + place_offset(spec, token["slot"], head, place.position)
                writes.append((near + chunk * spec.word_bytes, word, int(k == spec.token_words - 1)))
        places.append(token)
    closed = [place["closed"] for place in places if place["evict"]]
    assert closed
    assert store.refused, "a full store is tried"

    dut = TokenWriter(config=config_of(spec))
    bench = Bench(dut, seed=seed)
    adds: list[dict[str, Any]] = []
    layout = AddLayout(spec)

    async def watch(ctx: Any) -> None:
        while True:
            _, _, bits = await ctx.tick().sample(dut.add.as_value())
            if bits & 1:
                adds.append(unpack_nested(bits, layout))

    async def half_written(ctx: Any) -> None:
        """Idle means that the words of all tokens so far have left."""
        while True:
            _, _, idle = await ctx.tick().sample(dut.idle)
            if idle:
                assert len(memory.log.values) % spec.token_words == 0

    bench.process(set_header(dut.header, work.header))
    bench.process(watch)
    bench.process(half_written)
    bench.source(dut.places, places, stall=max(stall, 0.01))
    record = record_layout(spec)
    bench.source(dut.recent, [unpack_nested(word, record) for token in work.records for word in token], stall=stall)
    orders = bench.sink(dut.evict, closed, stall=stall)
    memory = WriteMemory(bench, dut.memory, len(writes), stall=stall)
    bench.run()
    assert memory.words() == writes

    expected = [
        {
            "valid": 1,
            "first": place["new"],
            "row": place["cluster"] * spec.token_words + k,
            "chunk": unpack_nested(word, record)["key"],
        }
        for place, token in zip(places, work.records, strict=True)
        for k, word in enumerate(token)
    ]
    assert adds == expected

    stored = [place for place in places if place["stored"]]
    closing = [k for k, place in enumerate(stored) if place["evict"]]
    for k, ordered in zip(closing, orders.cycles, strict=True):
        assert ordered < memory.log.cycles[k * spec.token_words], "the order leaves before the token's words"
