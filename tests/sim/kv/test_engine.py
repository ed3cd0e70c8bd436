"""The whole engine on Verilator against the model, in every word, whatever the memory does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from golden.kv.keys import load_keys
from golden.kv.model import ModelResult, Options, retrieve
from golden.kv.quantise import Quantised
from golden.kv.spec import DEFAULT, PAPER, TINY
from hw.kv.config import default, paper, tiny
from sim.kernel.compare import CheckError
from sim.kernel.jobs import MemorySettings
from sim.kv.check import check_retrieval, check_stages
from sim.kv.retrieval import quantise_stream
from sim.kv.streams import layer_stream, load_stream, synthetic_stream
from sim.kv.suite import run_stream
from sim.kv.workload import RtlRetrieval, prepare, run_rtl
from tests.golden.kv.streams import clustered

RESV, PAGES = Options.of(TINY), Options.livevlm(TINY)
NARROW = replace(RESV, hamming_threshold=2)


def run(data: Quantised, options: Options, memory: MemorySettings) -> tuple[RtlRetrieval, ModelResult]:
    """Runs on the one build with taps, and compares results and counters."""
    workload = prepare(data, tiny(), options)
    model = retrieve(data, TINY, options)
    rtl = run_rtl(workload, memory=memory, taps=True)
    check_retrieval(workload, rtl, model)
    c = rtl.job.counters
    bursts = sum(model.store.bursts(head.selected.nonzero().flatten().tolist()) for head in model.heads)
    expected = {
        "tokens": len(data.keys),
        "clusters": model.clustering.count,
        "comparisons": model.clustering.comparisons,
        "spilled": int(model.clustering.spilled.sum()),
        "refused": len(model.store.refused),
        "blocks": len(model.store.fill),
        "evicted": model.store.closed(TINY),
        "opened": sum(int(h.rows.opened.sum()) for h in model.heads),
        "visited": sum(int(h.rows.visited.sum()) for h in model.heads),
        "row_scores": sum(h.scores.numel() for h in model.heads),
        "selected": sum(int(h.selected.sum()) for h in model.heads),
        "bursts": bursts,
        "gather_words": sum(len(h.tokens) for h in model.heads) * TINY.chunks,
    }
    assert {name: c[name] for name in expected} == expected
    return rtl, model


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
    data = clustered(TINY, tokens, queries, seed=seed, anchors=anchors)
    _, model = run(data, options, memory)
    if anchors == 200:  # more clusters than the table holds, and every revisit opens a block
        assert model.clustering.spilled.any()
        assert model.store.closed(TINY) > TINY.near_blocks


def test_stages_and_refusals(seed: int) -> None:
    """Every stage's stream, with clusters that come in turn: each token opens a block until none is left."""
    anchors = clustered(TINY, 32, 3, seed=seed, anchors=500)
    turns = torch.arange(256) % 32
    data = replace(anchors, keys=anchors.keys[turns], values=anchors.values[turns])
    options = replace(RESV, hamming_threshold=1)
    _, model = run(data, options, MemorySettings(stalls=60))
    assert len(model.store.refused) > 50
    assert check_stages(prepare(data, tiny(), options), model) is None


def test_differences_are_named(seed: int) -> None:
    """A model that says something else is caught, and the message names the stage."""
    data = clustered(TINY, 60, 3, seed=seed)
    workload = prepare(data, tiny(), RESV)
    model = retrieve(data, TINY, RESV)
    rtl = run_rtl(workload, taps=True)
    hashes = model.hashes.clone()
    hashes[17] ^= 1
    with pytest.raises(CheckError, match="log: token 17 hash"):
        check_retrieval(workload, rtl, replace(model, hashes=hashes))
    head = model.heads[1]
    scores = head.scores.clone()
    scores[2, 0] += 1
    other = replace(head, scores=scores, selected=~head.selected)
    wrong = replace(model, heads=[model.heads[0], other])
    message = f"score_unit: index {model.clustering.count} scores.2: expected {int(scores[2, 0])}"
    with pytest.raises(CheckError, match=message):
        check_retrieval(workload, rtl, wrong)


@pytest.mark.slow
@pytest.mark.parametrize("source", ["{}@0", "{}@2", "video0.95:{}@1"])
@pytest.mark.parametrize("stalls", [0, 64])
def test_real_keys(source: str, stalls: int, real_data: Path) -> None:
    """4,096 real keys and 16 queries on the default config: equal, within 1.15 of the bound."""
    stream = load_stream(source.format(real_data / "kv" / "pydoc_small.npz"), 4096)
    report = run_stream(stream, default(), stalls=stalls).report
    if stalls == 0:
        assert report["ratio"] <= 1.15
    assert report["quality"]["bytes_a_token"] <= 1.1 * report["quality"]["least_bytes_a_token"]


@pytest.mark.slow
def test_config_paper() -> None:
    """Eight heads of 128 and 16 comparisons a cycle, on a short stream: 32 memory words a token."""
    report = run_stream(synthetic_stream(256, spec=PAPER), paper(), stalls=64).report
    assert report["counters"]["token_words"] == 256 * PAPER.token_words
    assert report["ratio"] <= 1.15


@pytest.mark.slow
def test_stages_on_real_keys(real_data: Path) -> None:
    """Every hash, decision, key sum, count, score and selection of 1,024 real keys on the default config."""
    stream = load_stream(f"{real_data / 'kv' / 'pydoc_small.npz'}@0", 1024)
    options = Options.of(DEFAULT)
    workload = prepare(quantise_stream(stream, DEFAULT, options), default(), options)
    assert check_stages(workload, retrieve(workload.data, DEFAULT, options)) is None


@pytest.mark.slow
@pytest.mark.parametrize(("layer", "tokens"), [(0, 32768), (1, 32768), (2, 32768), (1, 8192), (1, 20480)])
def test_video_like_streams(layer: int, tokens: int, real_data: Path) -> None:
    """Up to 32,768 tokens: each phase within 1.15 of its bound, a row's mass and the early exit as required."""
    files = load_keys(real_data / "kv" / "pydoc_small.npz")
    stream = layer_stream(files, layer, tokens, kind="video", correlation=0.95)
    report = run_stream(stream, default()).report
    assert all(phase["ratio"] <= 1.15 for phase in report["quality"]["phases"].values())
    assert report["quality"]["visited"] <= 0.25
    assert report["quality"]["rows"]["relative_mass"] >= 0.95
