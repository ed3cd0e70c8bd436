"""Vision-sink bucketing by the whole engine against the model, in every bit, whatever the memory does."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from golden.kv.vision_sink import SinkOptions, vision_sink
from hw.kv.config import tiny
from sim.kernel.compare import CheckError
from sim.kernel.jobs import JobResult, MemorySettings, run_job
from sim.kernel.run import compare, simulate
from sim.kv.run import COMPRESS
from sim.kv.streams import sink_scores, synthetic_stream
from sim.kv.workload import prepare_scores
from tests.sim.conftest import Tessera


@pytest.mark.parametrize(
    ("length", "values", "options"),
    [
        (256, 1 << 15, SinkOptions(budget=100)),
        (255, 6, SinkOptions(budget=96, capacity=4, unconditional=50)),
        (1, 6, SinkOptions(budget=1, unconditional=1)),
        (200, 1 << 15, SinkOptions(budget=200)),
    ],
)
@pytest.mark.parametrize("memory", [MemorySettings(), MemorySettings(stalls=90, latency=7, bandwidth=90)])
def test_equals_the_model(length: int, values: int, options: SinkOptions, memory: MemorySettings, seed: int) -> None:
    codes = torch.randint(values, (length,), generator=torch.Generator().manual_seed(seed))
    keep = vision_sink(codes, options)
    workload = prepare_scores(codes.float(), codes, tiny(), options)
    job = simulate(COMPRESS, workload, memory=memory)
    got = COMPRESS.read(workload, job)
    compare(COMPRESS, workload, got, keep)
    c = job.counters
    assert (c["kept"], c["sink_cycles"]) == (int(keep.sum()), 11 * length)
    if length == 256 and not memory.stalls:
        assert COMPRESS.roofline(workload, job, memory).ratio <= 1.15
    with pytest.raises(CheckError, match="vision_sink: token 0: expected"):
        compare(COMPRESS, workload, got, ~keep)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--budget", "0"], "the budget must lie in 1..200, the tokens there are, it is 0"),
        (["--budget", "201"], "the budget must lie in 1..200, the tokens there are, it is 201"),
        (["--budget", "9", "--capacity", "2"], "capacity must lie in 1..4 and divide the budget 9, it is 2"),
        (["--capacity", "5"], "capacity must lie in 1..4 and divide the budget 80, it is 5"),
        (["--capacity", "0"], "--capacity must be at least 1, it is 0"),
        (["--budget", "9", "--unconditional", "10"], "unconditional tokens must lie in 0..9, they are 10"),
        (["--window", "0"], "--window must be at least 1, it is 0"),
        (["--set", "tokens=128"], "1 to 128 tokens fit this config, there are 200"),
        (
            ["--backend", "gpu"],
            "Invalid value for '--backend': 'gpu' is not one of 'rtl', 'model', 'reference', 'fpga'.",
        ),
        (["--backend", "model", "--check"], "--check needs --backend rtl or fpga, it is 'model'"),
    ],
)
def test_bad_input(tessera: Tessera, arguments: list[str], message: str, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    outcome = tessera("compress", "synthetic", "--tokens", 200, *arguments, "--report", report)
    assert outcome.status == 2
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
    assert not report.exists()


@pytest.mark.parametrize("backend", ["model", "reference"])
def test_command(tessera: Tessera, backend: str, tmp_path: Path) -> None:
    """Table, tokens and report of a backend without RTL."""
    files = [tmp_path / "report.json", tmp_path / "kept.npz"]
    outcome = tessera(
        "compress", "synthetic", "--tokens", 200, "--backend", backend, "--report", files[0], "--selection", files[1]
    )
    assert (outcome.status, outcome.err) == (0, "")
    assert "attention mass" in outcome.out
    assert f"kv by {backend} in " in outcome.out
    report = json.loads(files[0].read_text())
    assert report["workload"]["backend"] == backend
    assert report["workload"]["options"] == {"budget": 80, "capacity": 1, "unconditional": 20}
    scores = sink_scores(synthetic_stream(200))
    kept = np.load(files[1])["kept"]
    assert len(kept) == 80
    assert report["quality"]["mass"] == pytest.approx(float(scores[kept].sum()))
    assert report["cycles"] is None


def test_command_by_rtl(tessera: Tessera, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The RTL's tokens are the model's; a bit that differs is a table and one line of error; nothing is written."""
    files = [tmp_path / "report.json", tmp_path / "kept.npz"]
    arguments = (
        "compress", "synthetic", "--config", "tiny", "--tokens", 200, "--check",
        "--report", files[0], "--selection", files[1],
    )  # fmt: skip
    outcome = tessera(*arguments)
    assert (outcome.status, outcome.err) == (0, "")
    assert "RTL equals the model in all 200 words of vision_sink" in outcome.out
    report = json.loads(files[0].read_text())
    assert report["quality"]["rtl_equals_model"] is True
    assert report["counters"]["kept"] == len(np.load(files[1])["kept"]) == 80
    for path in files:
        path.unlink()

    def flipped(*given: Any, **settings: Any) -> JobResult:
        job = run_job(*given, **settings)
        return replace(job, data=job.data ^ (np.arange(len(job.data)) == 3).astype(np.uint8))

    monkeypatch.setattr("sim.kernel.run.run_job", flipped)
    outcome = tessera(*arguments)
    assert outcome.status == 1
    assert outcome.err.splitlines()[-1].startswith("tessera: error: vision_sink: token 24: expected ")
    assert not list(tmp_path.iterdir())


def test_scores_are_a_distribution() -> None:
    assert float(sink_scores(synthetic_stream(100)).sum()) == pytest.approx(1, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("layer", range(3))
def test_real_keys(tessera: Tessera, layer: int, real_data: Path, tmp_path: Path) -> None:
    """LiveVLM's shape, buckets of one, on 4,096 real keys: equal, within 1.15 of the bound."""
    source = real_data / "kv" / "pydoc_small.npz"
    outcome = tessera("compress", source, "--layer", layer, "--check", "--report", tmp_path / "report.json")
    assert (outcome.status, outcome.err) == (0, "")
    assert "RTL equals the model in all 4096 words of vision_sink" in outcome.out
    assert json.loads((tmp_path / "report.json").read_text())["ratio"] <= 1.15
