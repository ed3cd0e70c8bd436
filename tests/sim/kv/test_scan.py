"""Scans by the whole engine on Verilator against the model, in every word, whatever the memory does."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from golden.kv.scan import Scan, ScanOptions
from golden.kv.scan_image import select_heads
from golden.kv.spec import TINY
from hw.kv.config import Config, tiny
from sim.kernel.compare import CheckError
from sim.kernel.jobs import MemorySettings
from sim.kernel.run import compare, simulate
from sim.kv.run import SCAN
from sim.kv.streams import Stream
from sim.kv.workload import ScanWorkload, prepare_scan

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
    ("tokens", "rows", "distinct", "options"),
    [
        (256, 4, 0, ScanOptions(budget=26, sink_tokens=4, window=8)),
        (201, 3, 0, ScanOptions(budget=50, sink_tokens=5, window=0, planes=3)),
        (150, 1, 0, ScanOptions(budget=9, sink_tokens=0, window=0, planes=6)),
        (130, 2, 1, ScanOptions(budget=40, sink_tokens=3, window=9)),
        (131, 4, 5, ScanOptions(budget=77, sink_tokens=0, window=1, planes=4)),
        (190, 4, 0, ScanOptions(budget=190, mass_code=800, sink_tokens=4, window=4)),
        (64, 1, 0, ScanOptions(budget=0, sink_tokens=0, window=0)),
        (97, 2, 0, ScanOptions(budget=2000)),
        (1, 4, 0, ScanOptions(budget=1, sink_tokens=0, window=0)),
    ],
)
@pytest.mark.parametrize("memory", [MemorySettings(), STALLS])
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
    with pytest.raises(CheckError, match=r"^tokens.1: place 3: expected "):
        compare(SCAN, workload, results, [scans[0], replace(scans[1], tokens=tokens)])
