"""Scans by the whole engine on Verilator against the model, in every word, whatever the memory does."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from golden.kv.scan import Scan, ScanOptions
from golden.kv.scan_image import select_heads
from golden.kv.spec import TINY
from hw.kv.config import Config, default, tiny
from sim.kernel.compare import CheckError
from sim.kernel.jobs import MemorySettings
from sim.kernel.run import compare, simulate
from sim.kv.run import SCAN
from sim.kv.run import run as run_workload
from sim.kv.streams import Stream, find_stream
from sim.kv.workload import ScanWorkload, prepare_scan
from tests.sim.conftest import Tessera

STALLS = MemorySettings(stalls=80, latency=30, bandwidth=100, seed=3)
#: Whole engines with the head sizes of models, whose other stages need room for their tokens.
SIZES = {
    size: replace(
        tiny(), spec=replace(TINY, head_size=size, lanes=16, group=8, tokens=8192, scan_tokens=8192),
        recent_words=64, token_ahead=64, gather_ahead=64, plane_ahead=128, outstanding=64, sweep_words=4,
    )
    for size in (64, 80, 96, 128)
}  # fmt: skip


def some_stream(config: Config, tokens: int, rows: int, *, seed: int, distinct: int = 0) -> Stream:
    """Random keys, or `distinct` ones in turn."""
    g = torch.Generator().manual_seed(seed)
    heads, size = config.spec.heads, config.spec.head_size
    keys = torch.randn(heads, tokens, size, generator=g)
    if distinct:
        keys = keys[:, torch.arange(tokens) % distinct]
    values, queries = torch.randn(heads, tokens, size, generator=g), torch.randn(heads, rows, size, generator=g)
    return Stream(
        name="random", keys=keys, values=values, queries=queries, scale=size**-0.5, calibration=keys, group=rows
    )


def same(workload: ScanWorkload, memory: MemorySettings) -> list[Scan]:
    """Runs, and compares results and counters."""
    spec = workload.config.spec
    scans = select_heads(workload.data, spec, workload.options)
    job = simulate(SCAN, workload, memory=memory)
    compare(SCAN, workload, SCAN.read(workload, job), scans)
    c = job.counters
    assert c["plane_words"] * spec.word_bytes == sum(scan.plane_bytes for scan in scans)
    assert c["fetch_words"] * spec.word_bytes == sum(scan.record_bytes for scan in scans)
    assert c["picked"] == sum(len(scan.tokens) for scan in scans)
    return scans


@pytest.mark.parametrize(
    ("tokens", "rows", "distinct", "options", "memory"),
    [
        (256, 4, 0, ScanOptions(budget=26, sink_tokens=4, window=8), MemorySettings()),
        (253, 4, 0, ScanOptions(budget=26, sink_tokens=4, window=8), STALLS),
        (201, 3, 0, ScanOptions(budget=50, sink_tokens=5, window=0, planes=3), STALLS),
        (150, 1, 0, ScanOptions(budget=9, sink_tokens=0, window=0, planes=6), MemorySettings()),
        (130, 2, 1, ScanOptions(budget=40, sink_tokens=3, window=9), STALLS),
        (131, 4, 5, ScanOptions(budget=77, sink_tokens=0, window=1, planes=4), MemorySettings()),
        (190, 4, 0, ScanOptions(budget=190, mass_code=800, sink_tokens=4, window=4), STALLS),
        (64, 1, 0, ScanOptions(budget=0, sink_tokens=0, window=0), MemorySettings()),
        (97, 2, 0, ScanOptions(budget=2000), STALLS),
        (1, 4, 0, ScanOptions(budget=1, sink_tokens=0, window=0), MemorySettings()),
    ],
)
def test_equals_the_model(
    tokens: int, rows: int, distinct: int, options: ScanOptions, memory: MemorySettings, seed: int
) -> None:
    same(prepare_scan(some_stream(tiny(), tokens, rows, seed=seed, distinct=distinct), tiny(), options), memory)


def test_differences_are_named(seed: int) -> None:
    options = ScanOptions(budget=20, sink_tokens=2, window=2)
    workload = prepare_scan(some_stream(tiny(), 90, 4, seed=seed), tiny(), options)
    scans = select_heads(workload.data, TINY, options)
    results = SCAN.read(workload, simulate(SCAN, workload))
    tokens = scans[1].tokens.clone()
    tokens[3] += 1
    with pytest.raises(CheckError, match=r"^tokens: place 3 1: expected "):
        compare(SCAN, workload, results, [scans[0], replace(scans[1], tokens=tokens)])


@pytest.mark.parametrize("backend", ["model", "reference"])
def test_command(tessera: Tessera, backend: str, tmp_path: Path) -> None:
    """A table, the selection and a report, from keys with grouped queries."""
    g = torch.Generator().manual_seed(1)
    keys = torch.randn(1, 2, 300, 64, generator=g).numpy()
    np.savez(tmp_path / "a.npz", K=keys, V=keys, Q=torch.randn(1, 6, 9, 64, generator=g).numpy())
    arguments = ("--backend", backend, "--select", "scan", "--top-k", 50, "--window", 4, "--sink-tokens", 2)
    outcome = tessera(
        "retrieve", tmp_path / "a.npz", *arguments, "--selection", tmp_path / "s.npz", "--report", tmp_path / "r.json"
    )
    assert outcome.status == 0, outcome.err
    chosen = np.load(tmp_path / "s.npz")
    for head in ("head_0", "head_1"):
        assert len(set(chosen[head].tolist())) == 50
        assert {0, 1, 296, 297, 298, 299} <= set(chosen[head].tolist())
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["workload"]["queries"] == 3
    assert 0 < report["quality"]["read"] < 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--select", "scan", "--planes", "9"], "a scan's planes must lie in 1..8, it is 9"),
        (["--select", "scan", "--top-p", "0"], "--top-p must lie in 1/1024..1023/1024, it is 0"),
        (["--select", "scan", "--share", "0.1", "--top-k", "3"], "--share and --top-k are two budgets of one scan"),
        (["--planes", "3"], "--planes is an option of --select scan, not of resv"),
        (["--select", "scan", "--hamming", "3"], "--hamming is an option of --select resv, not of scan"),
        (["--select", "scan", "--top-k", "-1"], "a scan's budget must lie in 0.."),
        (["--select", "scan", "--set", "scan_tokens=64"], "a scan takes 1 to 64 tokens, there are 100"),
    ],
)  # fmt: skip
def test_refused(tessera: Tessera, arguments: list[str], message: str) -> None:
    outcome = tessera("retrieve", "synthetic", "--tokens", 100, "--backend", "model", *arguments)
    assert outcome.status == 2
    assert message in outcome.err
    assert outcome.err.count("\n") == 1


def written(path: Path, tokens: int, **changed: Any) -> Path:
    """Two key-value heads of 64, three query heads each; `changed`: of K, V, Q what is set where."""
    rng = np.random.default_rng(8)
    shapes = {"K": (1, 2, tokens, 64), "V": (1, 2, tokens, 64), "Q": (1, 6, 2, 64)}
    arrays = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    for name, (place, value) in changed.items():
        arrays[name][place] = value
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize("name", ["K", "V", "Q"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers(tessera: Tessera, name: str, value: float, tmp_path: Path) -> None:
    source = written(tmp_path / "a.npz", 40, **{name: ((0, 1, 1, 5), value)})
    outcome = tessera(
        "retrieve", source, "--backend", "model", "--select", "scan", "--selection", tmp_path / "s.npz"
    )  # fmt: skip
    assert outcome.status == 2
    assert outcome.err == f"tessera: error: a.npz: {name} must be finite numbers, not {value} at [0, 1, 1, 5]\n"
    assert not (tmp_path / "s.npz").exists()


@pytest.mark.parametrize(
    ("tokens", "top_k", "kept"), [(1, 0, 1), (1, 1, 1), (1, 50, 1), (100, 0, 8), (100, 30, 30), (100, 5000, 100)]
)
@pytest.mark.parametrize("keys", ["random", "equal", "outlier"])
def test_extreme_caches_and_budgets(
    tessera: Tessera, keys: str, tokens: int, top_k: int, kept: int, tmp_path: Path
) -> None:
    """A cache of one token, budgets of none and of more than there are, all keys equal, one channel 100 times the rest:
    always as many distinct tokens as the rule says, of equal ones the earliest, the ends among them."""
    wide = 100 * np.random.default_rng(9).standard_normal(tokens)
    changes = {"random": {}, "equal": {"K": (..., 1.0)}, "outlier": {"K": ((..., 3), wide)}}[keys]
    source, found = written(tmp_path / "a.npz", tokens, **changes), tmp_path / "s.npz"
    options = ("--select", "scan", "--top-k", top_k, "--sink-tokens", 5, "--window", 3)
    outcome = tessera("retrieve", source, "--backend", "model", *options, "--selection", found)
    assert outcome.status == 0, outcome.err
    for chosen in np.load(found).values():
        assert len(set(chosen.tolist())) == len(chosen) == kept
        assert {*range(min(5, tokens)), *range(max(tokens - 3, 0), tokens)} <= set(chosen.tolist())
        if keys == "equal":
            assert chosen.tolist() == [*range(kept - 3), *range(tokens - 3, tokens)][-kept:]


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
def test_sizes_and_groups(size: int, seed: int) -> None:
    """Models' head sizes; groups of 1, 3, 4 and 8; lengths that are multiples of nothing, up to the most."""
    for tokens, rows, memory in ((1, 8, STALLS), (777, 3, STALLS), (2001, 8, MemorySettings()), (8192, 4, STALLS)):
        for planes in (8, 3):
            options = ScanOptions(budget=tokens // 10, sink_tokens=min(16, tokens // 2), window=3, planes=planes)
            config = SIZES[size]
            same(prepare_scan(some_stream(config, tokens, rows, seed=seed), config, options), memory)


@cache
def of_a_language_model(planes: int, share: float, layer: int, data: Path) -> dict[str, Any]:
    """The report of one decoded token of SmolLM2 after 8,192, on the default config, equal to the model."""
    stream = find_stream(
        str(data / "kv" / "smollm2_8k.npz"), layer, None, queries=64, correlation=None, spec=default().spec
    )
    options = ScanOptions(budget=int(share * 8192), planes=planes)
    return run_workload(prepare_scan(stream, default(), options), check=True).report()


@pytest.mark.slow
@pytest.mark.parametrize("layer", range(3))
@pytest.mark.parametrize(("planes", "share", "least", "most"), [(8, 0.1, 0.95, 0.48), (3, 0.112, 0.94, 0.301)])
def test_a_language_model(
    planes: int, share: float, least: float, most: float, layer: int, real_data: Path
) -> None:  # fmt: skip
    """Every result is the model's; what is read and the attention mass that is kept."""
    quality = of_a_language_model(planes, share, layer, real_data)["quality"]
    assert quality["read"] <= most
    heads = quality["heads"].values()
    assert sum(head["mass"] for head in heads) / len(heads) >= least - 0.05


@pytest.mark.slow
@pytest.mark.parametrize("layer", range(3))
@pytest.mark.parametrize(("planes", "share"), [(8, 0.1), (3, 0.112)])
def test_a_language_model_keeps_near_its_bound(planes: int, share: float, layer: int, real_data: Path) -> None:
    assert of_a_language_model(planes, share, layer, real_data)["ratio"] <= 1.15
