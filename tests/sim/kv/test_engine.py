"""The whole engine on Verilator against the model, in every word, whatever the memory does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from golden.kv.keys import load_keys
from golden.kv.model import ModelResult, Options, retrieve
from golden.kv.spec import DEFAULT, PAPER, TINY
from hw.kv.config import Config, default, paper, tiny
from sim.kernel.compare import CheckError
from sim.kernel.differences import number
from sim.kernel.jobs import MemorySettings
from sim.kernel.run import compare, simulate, stage_difference
from sim.kv.run import RETRIEVE
from sim.kv.selection import cluster_count, head_tokens
from sim.kv.streams import Stream, layer_stream, load_stream, synthetic_stream
from sim.kv.suite import run_stream
from sim.kv.workload import RetrieveWorkload, prepare_retrieve
from tests.golden.kv.streams import clustered
from tests.sim.kv.streams import clustered_stream

RESV, PAGES = Options.of(TINY), Options.livevlm(TINY)
NARROW = replace(RESV, hamming_threshold=2)


def model_of(workload: RetrieveWorkload) -> ModelResult:
    return retrieve(workload.data, workload.config.spec, workload.options)


def run(stream: Stream, options: Options, memory: MemorySettings, *, config: Config | None = None) -> ModelResult:
    """Runs, and compares results and counters."""
    workload = prepare_retrieve(stream, config or tiny(), options)
    spec = workload.config.spec
    model = model_of(workload)
    job = simulate(RETRIEVE, workload, memory=memory)
    results = RETRIEVE.read(workload, job)
    compare(RETRIEVE, workload, results, model)
    for tokens, head in zip(head_tokens(results), model.heads, strict=True):
        assert tokens.tolist() == sorted(head.tokens.tolist())
    assert cluster_count(results) == model.clustering.count
    c = job.counters
    bursts = sum(model.store.bursts(head.selected.nonzero().flatten().tolist()) for head in model.heads)
    expected = {
        "tokens": len(workload.data.keys),
        "clusters": model.clustering.count,
        "comparisons": model.clustering.comparisons,
        "spilled": int(model.clustering.spilled.sum()),
        "refused": len(model.store.refused),
        "blocks": len(model.store.fill),
        "evicted": model.store.closed(spec),
        "opened": sum(int(h.rows.opened.sum()) for h in model.heads),
        "visited": sum(int(h.rows.visited.sum()) for h in model.heads),
        "row_scores": sum(h.scores.numel() for h in model.heads),
        "selected": sum(int(h.selected.sum()) for h in model.heads),
        "bursts": bursts,
        "gather_words": sum(len(h.tokens) for h in model.heads) * spec.chunks,
    }
    assert {name: c[name] for name in expected} == expected
    return model


def test_streams_of_codes(seed: int) -> None:
    """The tests' streams are the codes that `clustered` makes."""
    data = clustered(TINY, 60, 3, seed=seed)
    again = prepare_retrieve(clustered_stream(TINY, 60, 3, seed=seed), tiny(), RESV).data
    for name in ("keys", "values", "queries", "offsets", "shifts"):
        assert torch.equal(getattr(again, name), getattr(data, name)), name


@pytest.mark.parametrize(
    ("tokens", "queries", "anchors", "options"),
    [(200, 4, 20, RESV), (256, 7, 200, RESV), (120, 1, 20, PAGES), (1, 1, 1, RESV), (97, 9, 8, NARROW)],
)  # fmt: skip
@pytest.mark.parametrize(
    "memory", [MemorySettings(), MemorySettings(stalls=90, latency=7), MemorySettings(stalls=30, bandwidth=90, seed=5)]
)
def test_equals_the_model(
    tokens: int, queries: int, anchors: int, options: Options, memory: MemorySettings, seed: int
) -> None:
    model = run(clustered_stream(TINY, tokens, queries, seed=seed, anchors=anchors), options, memory)
    if anchors == 200:  # more clusters than the table holds, and every revisit opens a block
        assert model.clustering.spilled.any()
        assert model.store.closed(TINY) > TINY.near_blocks


@pytest.mark.slow
@pytest.mark.parametrize("size", [64, 80, 96, 128])
def test_head_sizes(size: int, seed: int) -> None:
    """Models' head sizes, not only powers of two; rows of three query heads."""
    spec = replace(TINY, head_size=size)
    config = replace(tiny(), spec=spec, recent_words=64, token_ahead=64, gather_ahead=64)
    for tokens, memory in ((101, MemorySettings()), (150, MemorySettings(stalls=60, seed=2))):
        run(clustered_stream(spec, tokens, 6, seed=seed), RESV, memory, config=config)


def test_stages_and_refusals(seed: int) -> None:
    """Every stage's stream, two blocks of rows, with clusters that come in turn: each token opens a block until none
    is left."""
    anchors = clustered_stream(TINY, 32, 6, seed=seed, anchors=500)
    turns = torch.arange(256) % 32
    stream = replace(anchors, keys=anchors.keys[:, turns], values=anchors.values[:, turns])
    options = replace(RESV, hamming_threshold=1)
    model = run(stream, options, MemorySettings(stalls=60))
    assert len(model.store.refused) > 50
    assert stage_difference(RETRIEVE, prepare_retrieve(stream, tiny(), options), model) is None


def test_differences_are_named(seed: int) -> None:
    """A model that says something else is caught, and the message names the result and the first stage."""
    workload = prepare_retrieve(clustered_stream(TINY, 60, 3, seed=seed), tiny(), RESV)
    model = model_of(workload)
    job = simulate(RETRIEVE, workload)
    got = RETRIEVE.read(workload, job)
    hashes = model.hashes.clone()
    hashes[17] ^= 1
    with pytest.raises(CheckError) as caught:
        compare(RETRIEVE, workload, got, replace(model, hashes=hashes))
    log, stage = str(caught.value).split("; the first stage that differs: ")
    assert log.startswith(f"log: token 17 hash: expected {int(hashes[17]):#x}, got {int(model.hashes[17]):#x} ")
    assert stage.startswith(f"hash_unit: index 17: expected {int(hashes[17]):#x}, got {int(model.hashes[17]):#x} ")
    head = model.heads[1]
    scores = head.scores.clone()
    scores[2, 0] += 1
    other = replace(head, scores=scores, selected=~head.selected)
    wrong = replace(model, heads=[model.heads[0], other])
    with pytest.raises(CheckError) as caught:
        compare(RETRIEVE, workload, got, wrong)
    bitmap, stage = str(caught.value).split("; the first stage that differs: ")
    taken = int(head.selected[0])
    assert bitmap.startswith(f"bitmaps: head 1 cluster 0: expected {1 - taken}, got {taken} ")
    assert stage.startswith(
        f"score_unit: index {model.clustering.count} scores.2: expected {number(int(scores[2, 0]))}"
    )


def test_records_are_compared(seed: int) -> None:
    """A wrong byte of a record is named, and so are records that are missing."""
    workload = prepare_retrieve(clustered_stream(TINY, 60, 3, seed=seed), tiny(), RESV)
    model = model_of(workload)
    job = simulate(RETRIEVE, workload)
    changed = job.data.copy()
    size = TINY.chunks * TINY.word_bytes
    changed[workload.memory.gather_offset + 5 * size + 3] ^= 1
    with pytest.raises(CheckError, match=r"^records: record 5 byte 3: expected "):
        compare(RETRIEVE, workload, RETRIEVE.read(workload, replace(job, data=changed)), model)
    count = sum(len(head.tokens) for head in model.heads)
    fewer = replace(job, counters={**job.counters, "result_words": (count - 1) * TINY.chunks})
    with pytest.raises(CheckError, match=rf"^records: expected {count}×{size} words, got {count - 1}×{size}"):
        compare(RETRIEVE, workload, RETRIEVE.read(workload, fewer), model)


@pytest.mark.slow
@pytest.mark.parametrize("source", ["{}@0", "{}@2", "video0.95:{}@1"])
@pytest.mark.parametrize("stalls", [0, 64])
def test_real_keys(source: str, stalls: int, real_data: Path) -> None:
    """4,096 real keys and 16 queries on the default config: equal, within 1.15 of the bound."""
    stream = load_stream(source.format(real_data / "kv" / "pydoc_small.npz"), 4096)
    report = run_stream(stream, default(), stalls=stalls)
    if stalls == 0:
        assert report["ratio"] <= 1.15
    assert report["quality"]["bytes_a_token"] <= 1.1 * report["quality"]["least_bytes_a_token"]


@pytest.mark.slow
def test_config_paper() -> None:
    """Eight heads of 128 and 16 comparisons a cycle, on a short stream: 32 memory words a token."""
    report = run_stream(synthetic_stream(256, spec=PAPER), paper(), stalls=64)
    assert report["counters"]["token_words"] == 256 * PAPER.token_words
    assert report["ratio"] <= 1.15


@pytest.mark.slow
def test_stages_on_real_keys(real_data: Path) -> None:
    """Every hash, decision, key sum, count, score and selection of 1,024 real keys on the default config."""
    stream = load_stream(f"{real_data / 'kv' / 'pydoc_small.npz'}@0", 1024)
    workload = prepare_retrieve(stream, default(), Options.of(DEFAULT))
    assert stage_difference(RETRIEVE, workload, model_of(workload)) is None


@pytest.mark.slow
@pytest.mark.parametrize(("layer", "tokens"), [(0, 32768), (1, 32768), (2, 32768), (1, 8192), (1, 20480)])
def test_video_like_streams(layer: int, tokens: int, real_data: Path) -> None:
    """Up to 32,768 tokens: each phase within 1.15 of its bound, a row's mass and the early exit as required."""
    files = load_keys(real_data / "kv" / "pydoc_small.npz")
    stream = layer_stream(files, layer, tokens, kind="video", correlation=0.95)
    report = run_stream(stream, default())
    assert all(phase["ratio"] <= 1.15 for phase in report["quality"]["phases"].values())
    assert report["quality"]["visited"] <= 0.25
    assert report["quality"]["rows"]["relative_mass"] >= 0.95
